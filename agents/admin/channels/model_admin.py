from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from agents.actors import staff
from agents.admin.channels import cells
from agents.admin.channels.first_rule import ADD_RULE, add_first_rule
from agents.admin.channels.form import ChannelForm
from agents.admin.channels.operations import Operations, show_secret
from agents.admin.widgets.cells import counted
from agents.admin.widgets.mixins import CheckedInput, TitledList
from agents.database.clock import DatabaseNow, database_now
from agents.models import Channel
from agents.notifications.channels.secrets import new_secret
from agents.notifications.delivery.queue import number_waiting

STATE = [
    cells.state,
    cells.next_attempt,
    cells.last_success,
    cells.waiting,
    cells.delivered,
    cells.given_up,
    cells.created,
]


@admin.register(Channel)
class ChannelAdmin(Operations, CheckedInput, TitledList, ModelAdmin[Channel]):
    form = ChannelForm
    list_display = [
        cells.name_and_url,
        cells.state,
        "kind",
        cells.waiting,
        cells.delivered,
        cells.given_up,
        cells.last_success,
    ]
    list_filter = ["kind", "is_enabled"]
    search_fields = ["name", "shown_url"]

    class Media:
        css = {"all": ["agents/admin.css", "agents/notifications.css"]}
        js = [forms.Script("agents/copy.js", type="module")]

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(view),
                name=f"agents_channel_{name}",
            )
            for name, view in {**self.operations, "shown": self.shown}.items()
        ]
        undo = self.admin_site.admin_view(self.undo)
        own.append(path("undo/<uuid:key>/", undo, name="agents_channel_undo"))
        return [*own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Channel]:
        return Channel.objects.annotate(waiting=number_waiting(), read_at=DatabaseNow())

    def get_fieldsets(self, request: HttpRequest, obj: Channel | None = None) -> Any:
        entered = ["name", "kind", "url", "is_enabled"]
        if obj is None:
            told = ["tell_expiries", "tell_filter"] if request.user.has_perm(ADD_RULE) else []
            return [(None, {"fields": [*entered, *told]})]
        return [
            (None, {"fields": [*entered, "muted_until"]}),
            ("State", {"fields": STATE}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if obj is None else STATE

    def save_model(
        self, request: HttpRequest, obj: Channel, form: forms.ModelForm[Channel], change: bool
    ) -> None:
        """Only what was entered: workers write the rest. `obj` carries the text of a new secret."""
        if not change:
            obj.created_at, obj.created_by = database_now(), staff(request.user)
            if obj.kind == Channel.Kind.WEBHOOK:
                setattr(obj, "text", new_secret(obj))  # noqa: B010 - mypy knows no such field
            obj.save()
            add_first_rule(request, obj, form)
            return
        fields = {name for name in form.changed_data if name != "url"}
        if form.cleaned_data.get("url"):
            fields |= {"shown_url", "encrypted_url"}
        if {"is_enabled", "url"} & set(form.changed_data):
            # It may work now.
            obj.retry_at, obj.failing_since, obj.failures, obj.disabled_reason = None, None, 0, ""
            fields |= {"retry_at", "failing_since", "failures", "disabled_reason"}
        if obj.kind == Channel.Kind.WEBHOOK and not obj.encrypted_secret:
            setattr(obj, "text", new_secret(obj))  # noqa: B010
            fields |= {"encrypted_secret"}
        if fields:
            obj.save(update_fields=sorted(fields))

    def response_add(
        self, request: HttpRequest, obj: Channel, post_url_continue: str | None = None
    ) -> HttpResponse:
        if text := getattr(obj, "text", ""):
            return show_secret(request, obj, text)
        return super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Channel) -> HttpResponse:
        if text := getattr(obj, "text", ""):
            return show_secret(request, obj, text)
        return super().response_change(request, obj)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Django would read all deliveries."""
        shown = []
        for channel in objs:
            logged = counted(channel.deliveries.count(), "message")
            shown.append(f"{channel.name}, and its log of {logged}")
        return shown, {"notification channels": len(shown)}, set(), []
