from datetime import datetime

from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from agents.admin.widgets.times import exact, moment
from agents.models import AccessToken, AgentRecord
from agents.querysets import read_at
from agents.states import Lease, State

NOTHING = "-"


def lease(agent: AgentRecord) -> SafeString:
    lease = Lease.ALIVE if agent.is_alive(read_at(agent)) else Lease.EXPIRED
    labels = [(lease.level, lease.words)]
    if agent.state != State.ACTIVE:
        labels.append((State.level_of(agent.state), agent.state))
    return format_html_join(" ", '<span class="agent-label level-{}">{}</span>', labels)


def when(at: datetime, now: datetime) -> SafeString:
    html = '{}<span class="agent-aside">{}</span>'
    return format_html(html, exact(at), moment(at, now))


def agent_url(agent_id: str) -> str:
    return reverse("admin:agents_agentrecord_change", args=[quote(agent_id)])


def fleet_url(token: AccessToken) -> str:
    return reverse("admin:agents_agentrecord_changelist", query={"enrolled_by__exact": token.key})


def token_url(token: AccessToken) -> str:
    return reverse("admin:agents_accesstoken_change", args=[token.pk])


def history_url(agent_id: str) -> str:
    return reverse("admin:agents_agentevent_changelist", query={"agent_id__exact": agent_id})


def counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count:,} {noun}s"
