"""Access tokens: who may register agents or read about them. Issued and revoked here."""

from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers

from agents.actors import staff
from agents.admin.tokens import cells
from agents.admin.widgets.filters import TokenStateFilter
from agents.admin.widgets.read_only import ReadOnly
from agents.models import AccessToken
from agents.tokens import access as access_tokens
from agents.tokens.terms import NOTHING_ALLOWED, BadTerms, check_terms

DEFAULT_DAYS = 90
FIELDS_OF_TERMS = {"lifetime": "days"}
ASKED = ["name", "may_register", "agent_prefix", "max_agents", "may_read", "days"]
SHOWN: list[Any] = [
    *("name", "key", cells.state, cells.rights, cells.prefix),
    *(cells.agents, cells.ends, cells.used, cells.issued),
    cells.revoked,
]


class IssueForm(forms.ModelForm[AccessToken]):
    """What a token is to be good for."""

    may_register = forms.BooleanField(
        required=False, initial=True, help_text="Agents take it as AGENT_ENROLMENT_TOKEN."
    )
    may_read = forms.BooleanField(
        required=False, help_text="All agents and the metrics, whatever it may register."
    )
    days = forms.IntegerField(
        required=False,
        min_value=1,
        initial=DEFAULT_DAYS,
        help_text="How long it lasts; empty for as long as nobody revokes it.",
    )

    class Meta:
        model = AccessToken
        fields = ("name", "may_register", "agent_prefix", "max_agents", "may_read")
        labels: ClassVar[dict[str, Any]] = {
            "agent_prefix": "Ids begin with",
            "max_agents": "Agents at most",
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "max_agents": "How many that are alive it may have at once; empty for any number."
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not (cleaned.get("may_register") or cleaned.get("may_read")):
            self.add_error("may_register", NOTHING_ALLOWED)
        if not self.errors:
            try:
                check_terms(**terms_of(cleaned))
            except BadTerms as error:
                self.add_error(FIELDS_OF_TERMS.get(error.field, error.field), str(error))
        return cleaned


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnly, ModelAdmin[AccessToken]):
    form = IssueForm
    actions = ["revoke"]
    list_display = [
        *(cells.name_and_key, cells.state, cells.rights, cells.prefix),
        *(cells.agents, cells.ends, cells.used),
    ]
    list_filter = [TokenStateFilter]
    search_fields = ["name", "key", "agent_prefix"]
    search_help_text = "Text in the name, the key or the prefix"
    ordering = ["-pk"]

    class Media:
        css = {"all": ["agents/admin.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return ModelAdmin.has_add_permission(self, request)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("agents.change_accesstoken"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessToken]:  # noqa: ARG002
        return AccessToken.objects.with_agents()

    def get_fields(self, request: HttpRequest, obj: AccessToken | None = None) -> list[Any]:  # noqa: ARG002
        return ASKED if obj is None else SHOWN

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:  # noqa: ARG002
        return [] if obj is None else SHOWN

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        shown = {"title": "Access tokens", "is_open": settings.REGISTRY_AUTH == "open"}
        return super().changelist_view(request, shown | (extra_context or {}))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        shown: dict[str, Any] = {"title": "Issue an access token", "subtitle": ""}
        if object_id is not None:
            token = self.get_object(request, object_id)
            may_revoke = token is not None and self.has_revoke_permission(request)
            shown = {
                "title": "Access token",
                "may_revoke": may_revoke and token is not None and token.revoked_at is None,
            }
        return super().changeform_view(request, object_id, form_url, shown | (extra_context or {}))

    def save_model(
        self,
        request: HttpRequest,
        obj: AccessToken,
        form: forms.ModelForm[AccessToken],
        change: bool,  # noqa: ARG002 - nothing is ever changed here
    ) -> None:
        """Issue the token; its text is on the object that `response_add` gets, and nowhere else."""
        terms = terms_of(form.cleaned_data)
        issued, text = access_tokens.issue(**terms, actor=staff(request.user))
        obj.pk, obj.key, obj.expires_at = issued.pk, issued.key, issued.expires_at
        setattr(obj, "text", text)  # noqa: B010 - mypy knows no such field

    def response_add(
        self,
        request: HttpRequest,
        obj: AccessToken,
        post_url_continue: str | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        """Show the token, once: no redirect, which would have to carry it, and no copy kept."""
        context = {
            **self.admin_site.each_context(request),
            "title": "The access token",
            "opts": self.opts,
            "media": self.media,
            "token": obj,
            "text": getattr(obj, "text"),  # noqa: B009
            "registry_url": settings.REGISTRY_URL,
        }
        response = TemplateResponse(request, "admin/agents/accesstoken/issued.html", context)
        add_never_cache_headers(response)
        return response

    @admin.action(permissions=["revoke"], description="Revoke the selected tokens")
    def revoke(
        self, request: HttpRequest, chosen: QuerySet[AccessToken]
    ) -> TemplateResponse | None:
        good = chosen.filter(revoked_at__isnull=True)
        if request.POST.get("confirmed") != "yes":
            return self._confirm_revoking(request, good)
        keys = good.values_list("key", flat=True)
        actor = staff(request.user)
        revoked = sum(access_tokens.revoke(key=key, actor=actor) for key in keys)
        said = "1 token revoked." if revoked == 1 else f"{revoked} tokens revoked."
        self.message_user(request, said, messages.SUCCESS if revoked else messages.WARNING)
        return None

    def _confirm_revoking(
        self, request: HttpRequest, good: QuerySet[AccessToken]
    ) -> TemplateResponse | None:
        tokens = list(good)
        if not tokens:
            self.message_user(request, "These are revoked already.", messages.WARNING)
            return None
        count = len(tokens)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Revoke {'1 token' if count == 1 else f'{count} tokens'}?",
            "opts": self.opts,
            "media": self.media,
            "tokens": tokens,
            "cancel_url": request.get_full_path(),
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        template = "admin/agents/accesstoken/revoke_confirmation.html"
        return TemplateResponse(request, template, context)


def terms_of(cleaned: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `access_tokens.issue` that the form asks for."""
    days = cleaned.get("days")
    named = {name: cleaned.get(name) for name in IssueForm.Meta.fields}
    return named | {"lifetime": None if days is None else _lifetime(days)}


def _lifetime(days: int) -> timedelta:
    return timedelta(days=min(days, timedelta.max.days))
