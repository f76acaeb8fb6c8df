"""How an agent stands: of the lease, the operator's word and its own report, the worst is told."""

from datetime import UTC, datetime, timedelta

import pytest

from agents.conditions import Level, standing
from agents.models import AgentEvent, AgentRecord
from tests.factories import AgentFactory

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def agent(silent: float | timedelta = 0, ttl: int = 60, **more: object) -> AgentRecord:
    """Return an agent whose last heartbeat came so long (seconds) before NOW."""
    silence = silent if isinstance(silent, timedelta) else timedelta(seconds=silent)
    return AgentFactory.build(ttl_seconds=ttl, last_heartbeat=NOW - silence, **more)


def told(who: AgentRecord, event: AgentEvent | None = None) -> str:
    return str(standing(who, NOW, event))


def event(**more: object) -> AgentEvent:
    at = NOW - timedelta(hours=3, minutes=1)
    return AgentEvent(kind="quarantined", at=at, **{"actor": "admin:grace", **more})


@pytest.mark.parametrize(
    ("silence", "word"),
    [
        (timedelta(0), "alive"),
        (timedelta(seconds=40), "alive"),  # exactly a third is left
        (timedelta(seconds=40) + MICROSECOND, "expiring soon"),
        (timedelta(seconds=60) - MICROSECOND, "expiring soon"),
        (timedelta(seconds=60), "expired"),
        (timedelta(seconds=60) + MICROSECOND, "expired"),
    ],
)
def test_the_lease_turns_at_exactly_a_third_and_at_exactly_its_end(
    silence: timedelta, word: str
) -> None:
    assert standing(agent(silence), NOW).word == word


def test_a_ttl_that_three_does_not_divide_turns_as_exactly() -> None:
    third = timedelta(seconds=100) / 3  # rounded to microseconds: below the true third

    assert standing(agent(timedelta(seconds=100) - third, ttl=100), NOW).word == "expiring soon"
    later = third + MICROSECOND
    assert standing(agent(timedelta(seconds=100) - later, ttl=100), NOW).word == "alive"


@pytest.mark.parametrize(
    ("who", "sentence"),
    [
        (agent(), "alive: last heartbeat now, its lease of 1 min ends in 1 min"),
        (agent(12), "alive: last heartbeat 12 s ago, its lease of 1 min ends in 48 s"),
        (
            agent(45),
            "expiring soon: two heartbeats are missed, its lease of 1 min ends in 15 s",
        ),
        (
            agent(59.5),
            "expiring soon: two heartbeats are missed, its lease of 1 min ends in under 1 s",
        ),
        (
            agent(74),
            "expired: no heartbeat for 1 min 14 s, its lease of 1 min ended 14 s ago",
        ),
        (agent(60), "expired: no heartbeat for 1 min, its lease of 1 min ended now"),
        (agent(status="degraded"), "degraded: by its own report"),
        (
            agent(status="degraded", load=0.9, note="the loop is blocked"),
            "degraded: by its own report: load 90%, the loop is blocked",
        ),
        (agent(status="starting"), "starting: by its own report"),
        (agent(status="draining"), "draining: by its own report"),
        (agent(state="draining"), "draining: by an operator"),
        (agent(state="quarantined"), "quarantined: by an operator"),
    ],
)
def test_the_reason_is_a_sentence(who: AgentRecord, sentence: str) -> None:
    assert told(who) == sentence


@pytest.mark.parametrize("status", ["unknown", "ready", "busy"])
def test_an_agent_that_reports_nothing_bad_is_alive(status: str) -> None:
    stands = standing(agent(status=status, load=1.0, note="n"), NOW)

    assert (stands.word, stands.level) == ("alive", Level.OK)


def test_who_set_it_apart_when_and_why_is_told_where_it_is_known() -> None:
    who = agent(state="quarantined")

    assert told(who, event(reason="answers nonsense")) == (
        "quarantined: by admin:grace 3 h 1 min ago: answers nonsense"
    )
    assert told(who, event()) == "quarantined: by admin:grace 3 h 1 min ago"


@pytest.mark.parametrize(
    ("who", "word", "level"),
    [
        (agent(60, state="quarantined", status="degraded"), "expired", Level.BAD),
        (agent(59, state="quarantined", status="draining"), "quarantined", Level.SET_APART),
        (agent(59, state="draining", status="degraded"), "draining", Level.HOLD),
        (agent(59, status="draining"), "draining", Level.HOLD),
        (agent(59, status="degraded"), "expiring soon", Level.WARN),
        (agent(status="degraded"), "degraded", Level.WARN),
    ],
)
def test_the_worst_fact_has_the_word(who: AgentRecord, word: str, level: Level) -> None:
    stands = standing(who, NOW)

    assert (stands.word, stands.level) == (word, level)


def test_where_both_say_draining_it_is_the_operators_word() -> None:
    assert told(agent(state="draining", status="draining")) == "draining: by an operator"


def test_all_facts_are_told_beside_the_worst_one() -> None:
    who = agent(74, state="draining", status="busy", load=0.5)

    facts = [(fact.name, fact.word, fact.level) for fact in standing(who, NOW).facts]

    assert facts == [
        ("lease", "expired", Level.BAD),
        ("own report", "busy", Level.OK),
        ("probe", "not probed", Level.OK),
        ("operator", "draining", Level.HOLD),
    ]


def test_it_asks_the_database_nothing() -> None:
    # Without the marker of a test that may, a query is an error.
    for number in range(100):
        assert standing(agent(number), NOW).facts
