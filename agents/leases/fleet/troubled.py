"""The agents in the worst condition, found by a look at the whole fleet."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db.models import BooleanField, F, Q

from agents.conditions import condition_rank, condition_word, with_probes
from agents.database.clock import HasExpired, expired_sql
from agents.database.expressions import Fragment
from agents.durations import in_words
from agents.lease_times import HEARTBEATS_PER_TTL
from agents.models import FAILS, AgentRecord, ProbeFinds
from agents.states import Lease, Probe, State, Status

MOST = 200
WORDS = [Lease.EXPIRED, Lease.EXPIRING_SOON, Status.DEGRADED, *FAILS]


class _IsSilent(Fragment):
    """For two thirds of the TTL, rounded down: of a healthy agent, this is all that is computed."""

    arity = 2
    output_field = BooleanField()

    def __init__(self) -> None:
        super().__init__("last_heartbeat", "ttl_seconds")

    @staticmethod
    def fragment(heartbeat: str, ttl: str) -> str:
        return expired_sql(heartbeat, f"({ttl} * {HEARTBEATS_PER_TTL - 1} / {HEARTBEATS_PER_TTL})")


class Troubled(NamedTuple):
    """`word`: of the condition. `last_heartbeat`: in ISO format."""

    agent_id: str
    word: str
    reason: str
    last_heartbeat: str


def find_troubled() -> Sequence[Troubled]:
    """Return up to MOST agents, the worst first.

    Those that an operator has drained or quarantined only if they have expired.
    """
    may_ail = Q(_IsSilent()) | Q(status=Status.DEGRADED) | Q(ProbeFinds(FAILS))
    agents = with_probes(AgentRecord.objects.filter(may_ail))
    agents = agents.filter(Q(state=State.ACTIVE) | Q(HasExpired()))
    worst = agents.alias(word=condition_word()).filter(word__in=WORDS)
    rows = worst.order_by(condition_rank().desc(), "agent_id").values_list(
        "agent_id", F("word"), "ttl_seconds", "note", "probe_reason", "last_heartbeat"
    )
    return [
        Troubled(agent_id, word, _reason(word, ttl, note, finding), heartbeat.isoformat())
        for agent_id, word, ttl, note, finding, heartbeat in rows[:MOST]
    ]


def _reason(word: str, ttl: int, note: str, finding: str | None) -> str:
    if word == Lease.EXPIRED:
        return f"no heartbeat within its TTL of {in_words(ttl)}"
    if word == Lease.EXPIRING_SOON:
        return "two heartbeats missed"
    if word in Probe.values:
        return finding or ""
    return note
