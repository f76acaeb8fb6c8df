from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from agents.actors import staff
from agents.admin.tokens import cells
from agents.admin.tokens.filters import StateFilter
from agents.admin.tokens.issue_form import IssueForm, terms_of
from agents.admin.tokens.quarantining import Quarantining, affected
from agents.admin.tokens.registered import VIEW, RegisteredAgents
from agents.admin.tokens.replacing import Replacing, family_context
from agents.admin.widgets import shown_once
from agents.admin.widgets.cells import counted
from agents.admin.widgets.mixins import ReadOnly, TitledList
from agents.admin.widgets.pages import admin_page
from agents.models import AccessToken
from agents.tokens import access as access_tokens
from agents.tokens.auth_mode import is_open
from agents.tokens.rotation import predecessor_of, problem_of

FORM_FIELDS = [
    "name",
    "may_register",
    "agent_prefix",
    "max_agents",
    "may_read",
    "may_operate",
    "days",
]
TERMS: list[Any] = [
    cells.state,
    cells.rights,
    cells.prefix,
    cells.agents,
    cells.ends,
    cells.used,
]
PAGE_FIELDS = ["name", "key", *TERMS, cells.issued, cells.revoked]


@admin.register(AccessToken)
class AccessTokenAdmin(
    RegisteredAgents, Replacing, Quarantining, ReadOnly, TitledList, ModelAdmin[AccessToken]
):
    form = IssueForm
    actions = ["revoke"]
    list_display = [cells.name_and_key, *TERMS]
    list_filter = [StateFilter]
    search_fields = ["name", "key", "agent_prefix"]
    search_help_text = "Part of the name, key or prefix"
    ordering = ["-pk"]

    class Media:
        css = {"all": ["agents/admin.css"]}
        js = [forms.Script("agents/copy.js", type="module")]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return ModelAdmin.has_add_permission(self, request)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("agents.change_accesstoken"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessToken]:
        return AccessToken.objects.with_agents()

    def get_fields(self, request: HttpRequest, obj: AccessToken | None = None) -> list[Any]:
        return FORM_FIELDS if obj is None else PAGE_FIELDS

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [] if obj is None else PAGE_FIELDS

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"is_open": is_open()}
        return super().changelist_view(request, context | (extra_context or {}))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context: dict[str, Any] = {"title": "Issue an access token", "subtitle": ""}
        if object_id is not None:
            token = self.get_object(request, object_id)
            context = {"title": "Access token"}
            if token is not None:
                context |= self._operations(request, token) | family_context(token)
        context |= extra_context or {}
        return super().changeform_view(request, object_id, form_url, context)

    def _operations(self, request: HttpRequest, token: AccessToken) -> dict[str, bool]:
        may_quarantine = token.may_register and self.may_quarantine(request)
        return {
            "may_replace": self.may_replace(request) and not problem_of(token),
            "may_revoke": self.has_revoke_permission(request) and token.revoked_at is None,
            "may_quarantine": may_quarantine and affected(token).exists(),
            "may_list": token.may_register and request.user.has_perms(VIEW),
        }

    def save_model(
        self,
        request: HttpRequest,
        obj: AccessToken,
        form: forms.ModelForm[AccessToken],
        change: bool,
    ) -> None:
        terms = terms_of(form.cleaned_data)
        issued, text = access_tokens.issue(**terms, actor=staff(request.user))
        obj.pk, obj.key, obj.expires_at = issued.pk, issued.key, issued.expires_at
        setattr(obj, "text", text)  # noqa: B010 - mypy knows no such field

    def get_urls(self) -> list[URLPattern]:
        views = {
            "issued": self.issued,
            "agents": self.registered,
            "replace": self.replace,
            "quarantine": self.quarantine,
        }
        return [
            *(
                path(
                    f"<int:pk>/{name}/",
                    self.admin_site.admin_view(view),
                    name=f"agents_accesstoken_{name}",
                )
                for name, view in views.items()
            ),
            *super().get_urls(),
        ]

    def response_add(
        self, request: HttpRequest, obj: AccessToken, post_url_continue: str | None = None
    ) -> HttpResponse:
        url = reverse("admin:agents_accesstoken_issued", args=[obj.pk])
        return shown_once.lead_to(request, url, getattr(obj, "text"))  # noqa: B009

    def issued(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        token = get_object_or_404(AccessToken, pk=pk)
        return shown_once.show(
            self,
            request,
            "issued.html",
            what="token",
            later=reverse("admin:agents_accesstoken_change", args=[pk]),
            back=reverse("admin:agents_accesstoken_changelist"),
            title="The access token",
            name=token.name,
            token=token,
            predecessor=predecessor_of(token),
            registry_url=settings.REGISTRY_URL,
        )

    @admin.action(permissions=["revoke"], description="Revoke the selected tokens")
    def revoke(
        self, request: HttpRequest, selected: QuerySet[AccessToken]
    ) -> TemplateResponse | None:
        revocable = selected.filter(revoked_at__isnull=True)
        if request.POST.get("confirmed") != "yes":
            return self._confirm_revoking(request, list(revocable))
        keys = revocable.values_list("key", flat=True)
        actor = staff(request.user)
        revoked = sum(access_tokens.revoke(key=key, actor=actor) for key in keys)
        text = f"{counted(revoked, 'token')} revoked."
        self.message_user(request, text, messages.SUCCESS if revoked else messages.WARNING)
        return None

    def _confirm_revoking(
        self, request: HttpRequest, tokens: list[AccessToken]
    ) -> TemplateResponse | None:
        if not tokens:
            self.message_user(request, "Already revoked.", messages.WARNING)
            return None
        return admin_page(
            self,
            request,
            "revoke_confirmation.html",
            title=f"Revoke {counted(len(tokens), 'token')}?",
            tokens=tokens,
            cancel_url=request.get_full_path(),
            action_checkbox_name=ACTION_CHECKBOX_NAME,
        )
