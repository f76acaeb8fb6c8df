from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.admin.widgets import cells
from agents.admin.widgets.times import exact, moment
from agents.durations import in_words
from agents.models import AccessToken
from agents.querysets import read_at


@admin.display(description="token", ordering="name")
def name_and_key(token: AccessToken) -> SafeString:
    return format_html('{}<span class="agent-aside">{}</span>', token.name, token.key)


@admin.display()
def state(token: AccessToken) -> SafeString:
    state = token.state(read_at(token))
    return format_html('<span class="agent-label level-{}">{}</span>', state.level, state)


@admin.display(description="may")
def rights(token: AccessToken) -> str:
    return " and ".join(token.rights)


@admin.display(description="id prefix", ordering="agent_prefix")
def prefix(token: AccessToken) -> SafeString:
    if not token.may_register:
        return format_html("{}", cells.NOTHING)
    if not token.agent_prefix:
        return format_html("{}", "any")
    return format_html("<code>{}</code>", token.agent_prefix)


@admin.display(description="agents alive")
def agents(token: Any) -> SafeString:
    if not token.may_register:
        return format_html("{}", cells.NOTHING)
    limit = "" if token.max_agents is None else f" of {token.max_agents:,}"
    count = f"{token.alive_agents:,}{limit}"
    return format_html('<a href="{}">{}</a>', cells.fleet_url(token), count)


@admin.display(description="expires", ordering="expires_at")
def ends(token: AccessToken) -> SafeString:
    if token.expires_at is None:
        return format_html("{}", "never")
    left = (token.expires_at - read_at(token)).total_seconds()
    at = exact(token.expires_at)
    return format_html("in {} ({})", in_words(left, units=1), at) if left > 0 else at


@admin.display(description="last used", ordering="last_used_at")
def used(token: AccessToken) -> SafeString:
    if token.last_used_at is None:
        return format_html("{}", "never")
    ago = moment(token.last_used_at, read_at(token))
    return format_html('{}<span class="agent-aside">{}</span>', ago, token.last_used_from or "")


@admin.display(description="issued")
def issued(token: AccessToken) -> SafeString:
    return format_html("{} by {}", exact(token.created_at), token.created_by)


@admin.display(description="revoked")
def revoked(token: AccessToken) -> SafeString:
    if token.revoked_at is None:
        return format_html("{}", cells.NOTHING)
    return format_html("{} by {}", exact(token.revoked_at), token.revoked_by)
