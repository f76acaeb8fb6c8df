from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from agents.admin.channels.muting import Muting
from agents.admin.widgets import shown_once
from agents.admin.widgets.pages import admin_page
from agents.database.clock import database_now
from agents.models import Channel, Delivery
from agents.notifications.channels.secrets import new_secret
from agents.notifications.delivery.trial import send_test

ADD, CHANGE = "agents.add_channel", "agents.change_channel"

View = Callable[..., HttpResponse]


class Operations(Muting, ModelAdmin[Channel]):
    @property
    def operations(self) -> dict[str, View]:
        return {
            "test": self._view(self._test),
            "mute": self._view(self.mute),
            "secret": self._view(self._secret),
        }

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {"may_operate": object_id is not None and request.user.has_perm(CHANGE)}
        return super().changeform_view(
            request, object_id, form_url, context | (extra_context or {})
        )

    def _view(self, operate: Callable[[HttpRequest, Channel], HttpResponse | None]) -> View:
        def view(request: HttpRequest, pk: int) -> HttpResponse:
            if not request.user.has_perm(CHANGE):
                raise PermissionDenied
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            channel = get_object_or_404(Channel, pk=pk)
            page = reverse("admin:agents_channel_change", args=[pk])
            return operate(request, channel) or HttpResponseRedirect(page)

        return view

    def _test(self, request: HttpRequest, channel: Channel) -> None:
        delivery = send_test(channel)
        if delivery.state == Delivery.State.DELIVERED:
            text, level = f"The test was delivered: {delivery.answer}", messages.SUCCESS
        else:
            text, level = f"The test was not delivered: {delivery.answer}", messages.ERROR
        self.message_user(request, text, level)

    def _secret(self, request: HttpRequest, channel: Channel) -> HttpResponse | None:
        if channel.kind != Channel.Kind.WEBHOOK:
            self.message_user(request, "Only webhooks have a secret.", messages.ERROR)
            return None
        now = database_now()
        if request.POST.get("confirmed") != "yes":
            until = channel.old_secret_until
            return admin_page(
                self,
                request,
                "new_secret.html",
                title=f"Make a new secret for {channel.name}?",
                replaces=until is not None and now < until,
                cancel_url=reverse("admin:agents_channel_change", args=[channel.pk]),
            )
        text = new_secret(channel, now)
        channel.save(update_fields=["encrypted_secret", "encrypted_old_secret", "old_secret_until"])
        self.log_change(request, channel, "Made a new secret.")
        return show_secret(request, channel, text)

    def shown(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not (request.user.has_perm(CHANGE) or request.user.has_perm(ADD)):
            raise PermissionDenied
        channel = get_object_or_404(Channel, pk=pk)
        page = reverse("admin:agents_channel_change", args=[pk])
        return shown_once.show(
            self,
            request,
            "secret.html",
            what="secret",
            later=page,
            back=page,
            title=f"The secret of {channel.name}",
            name=channel.name,
            channel=channel,
        )


def show_secret(request: HttpRequest, channel: Channel, text: str) -> HttpResponse:
    return shown_once.lead_to(
        request, reverse("admin:agents_channel_shown", args=[channel.pk]), text
    )
