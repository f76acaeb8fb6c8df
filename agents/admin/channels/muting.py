from datetime import datetime, timedelta
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.actors import staff
from agents.admin.widgets import undo
from agents.admin.widgets.times import exact
from agents.database.clock import database_now
from agents.durations import exactly
from agents.models import Channel

CHANGE = "agents.change_channel"
UNDO, MUTE = "admin:agents_channel_undo", "mute"
# Hours, as the buttons name them.
MUTES = {"0": 0, "1": 1, "24": 24}


class Muting(ModelAdmin[Channel]):
    def mute(self, request: HttpRequest, channel: Channel) -> None:
        hours = MUTES.get(request.POST.get("hours", ""))
        if hours is None:
            self.message_user(request, "Choose for how long to mute it.", messages.ERROR)
            return
        until = database_now() + timedelta(hours=hours) if hours else None
        Channel.objects.filter(pk=channel.pk).update(muted_until=until)
        self.log_change(request, channel, _kept(until))
        change = [str(channel.pk), _text(channel.muted_until), _text(until)]
        tags = undo.tags_of(UNDO, MUTE, [change], staff(request.user))
        self.message_user(request, _shown(until), messages.SUCCESS, extra_tags=tags)

    def undo(self, request: HttpRequest, key: UUID) -> HttpResponse:
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        taken = undo.take(request, key, [MUTE])
        for pk, before, after in taken.changes if taken else ():
            until = before and undo.time_of(before)
            muted = Channel.objects.filter(pk=pk, muted_until=after and undo.time_of(after))
            if muted.update(muted_until=until):
                self.log_change(request, Channel.objects.get(pk=pk), f"Undone. {_kept(until)}")
                shown = format_html("Undone. {}", _shown(until))
                self.message_user(request, shown, messages.SUCCESS)
                return undo.back(request, reverse("admin:agents_channel_change", args=[pk]))
        text = "It is too late to undo this, or something else has changed it since."
        self.message_user(request, text, messages.WARNING)
        return undo.back(request, reverse("admin:agents_channel_changelist"))


def _kept(until: datetime | None) -> str:
    return f"Muted until {exactly(until)}." if until else "Unmuted."


def _shown(until: datetime | None) -> SafeString:
    return format_html("Muted until {}.", exact(until)) if until else format_html("{}", "Unmuted.")


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
