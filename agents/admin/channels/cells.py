from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.admin.widgets import cells
from agents.admin.widgets.times import exact, moment
from agents.durations import in_words
from agents.models import Channel
from agents.querysets import read_at


@admin.display(description="channel", ordering="name")
def name_and_url(channel: Channel) -> SafeString:
    return format_html(
        '{}<span class="agent-aside">{}</span>', channel.name, channel.shown_url or channel.kind
    )


@admin.display()
def state(channel: Channel) -> SafeString:
    state = channel.state(read_at(channel))
    label = format_html('<span class="agent-label level-{}">{}</span>', state.level, state.words)
    return format_html('{}<span class="agent-aside">{}</span>', label, _detail(channel, state))


def _detail(channel: Channel, state: Channel.State) -> str | SafeString:
    if state is Channel.State.DISABLED:
        return channel.disabled_reason or "by an operator"
    if state is Channel.State.MUTED and channel.muted_until is not None:
        return format_html("until {}", exact(channel.muted_until))
    if state is Channel.State.FAILING and channel.failing_since is not None:
        seconds = (read_at(channel) - channel.failing_since).total_seconds()
        return f"for {in_words(seconds)}: {channel.last_error}"
    return ""


@admin.display(description="waiting")
def waiting(channel: Any) -> SafeString:
    url = reverse(
        "admin:agents_delivery_changelist",
        query={"channel__id__exact": channel.pk, "state__exact": "waiting"},
    )
    return format_html('<a href="{}">{}</a>', url, f"{channel.waiting:,}")


@admin.display(description="delivered", ordering="delivered_total")
def delivered(channel: Channel) -> str:
    return f"{channel.delivered_total:,}"


@admin.display(description="given up", ordering="given_up_total")
def given_up(channel: Channel) -> str:
    return f"{channel.given_up_total:,}"


@admin.display(description="last delivered", ordering="last_success_at")
def last_success(channel: Channel) -> SafeString:
    if channel.last_success_at is None:
        return format_html("{}", "never")
    return moment(channel.last_success_at, read_at(channel))


@admin.display(description="next attempt")
def next_attempt(channel: Channel) -> str:
    if channel.retry_at is None or channel.retry_at <= read_at(channel):
        return cells.NOTHING
    return f"in {in_words((channel.retry_at - read_at(channel)).total_seconds())}"


@admin.display(description="created")
def created(channel: Channel) -> SafeString:
    return format_html("{} by {}", exact(channel.created_at), channel.created_by)
