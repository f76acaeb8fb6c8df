"""An agent's condition: the worst of its lease, the operator's state and its own report."""

from datetime import UTC, datetime, timedelta

import pytest

from agents.conditions import condition_of
from agents.models import AgentEvent, AgentRecord
from agents.states import Level
from tests.factories import AgentFactory

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def agent(silent: float | timedelta = 0, ttl: int = 60, **more: object) -> AgentRecord:
    """Return an agent whose last heartbeat was `silent` (seconds) before NOW."""
    silence = silent if isinstance(silent, timedelta) else timedelta(seconds=silent)
    return AgentFactory.build(ttl_seconds=ttl, last_heartbeat=NOW - silence, **more)


def sentence_of(record: AgentRecord, event: AgentEvent | None = None) -> str:
    return str(condition_of(record, NOW, event))


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
def test_the_condition_changes_exactly_at_a_third_of_the_ttl_and_at_the_lease_end(
    silence: timedelta, word: str
) -> None:
    assert condition_of(agent(silence), NOW).word == word


def test_the_boundary_is_exact_for_a_ttl_not_divisible_by_three() -> None:
    third = timedelta(seconds=100) / 3  # rounded to microseconds: below the true third

    assert condition_of(agent(timedelta(seconds=100) - third, ttl=100), NOW).word == "expiring soon"
    later = third + MICROSECOND
    assert condition_of(agent(timedelta(seconds=100) - later, ttl=100), NOW).word == "alive"


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (agent(), "alive: last heartbeat now, its lease of 1 min ends in 1 min"),
        (agent(12), "alive: last heartbeat 12 s ago, its lease of 1 min ends in 48 s"),
        (
            agent(45),
            "expiring soon: two heartbeats missed, its lease of 1 min ends in 15 s",
        ),
        (
            agent(59.5),
            "expiring soon: two heartbeats missed, its lease of 1 min ends in under 1 s",
        ),
        (
            agent(74),
            "expired: no heartbeat for 1 min 14 s, its lease of 1 min ended 14 s ago",
        ),
        (agent(60), "expired: no heartbeat for 1 min, its lease of 1 min ended now"),
        (agent(status="degraded"), "degraded: reported by the agent"),
        (
            agent(status="degraded", load=0.9, note="the loop is blocked"),
            "degraded: reported by the agent: load 90%, the loop is blocked",
        ),
        (agent(status="starting"), "starting: reported by the agent"),
        (agent(status="draining"), "draining: reported by the agent"),
        (agent(state="draining"), "draining: set by an operator"),
        (agent(state="quarantined"), "quarantined: set by an operator"),
    ],
)
def test_the_reason_is_a_sentence(record: AgentRecord, sentence: str) -> None:
    assert sentence_of(record) == sentence


@pytest.mark.parametrize("status", ["unknown", "ready", "busy"])
def test_an_agent_that_reports_nothing_bad_is_alive(status: str) -> None:
    condition = condition_of(agent(status=status, load=1.0, note="n"), NOW)

    assert (condition.word, condition.level) == ("alive", Level.OK)


def test_the_reason_names_who_set_the_state_when_and_why() -> None:
    record = agent(state="quarantined")

    assert sentence_of(record, event(reason="answers nonsense")) == (
        "quarantined: set by admin:grace 3 h 1 min ago: answers nonsense"
    )
    assert sentence_of(record, event()) == "quarantined: set by admin:grace 3 h 1 min ago"


@pytest.mark.parametrize(
    ("record", "word", "level"),
    [
        (agent(60, state="quarantined", status="degraded"), "expired", Level.BAD),
        (agent(59, state="quarantined", status="draining"), "quarantined", Level.ISOLATED),
        (agent(59, state="draining", status="degraded"), "draining", Level.HOLD),
        (agent(59, status="draining"), "draining", Level.HOLD),
        (agent(59, status="degraded"), "expiring soon", Level.WARN),
        (agent(status="degraded"), "degraded", Level.WARN),
    ],
)
def test_the_worst_fact_decides(record: AgentRecord, word: str, level: Level) -> None:
    condition = condition_of(record, NOW)

    assert (condition.word, condition.level) == (word, level)


def test_an_operators_draining_outranks_the_agents_own() -> None:
    assert sentence_of(agent(state="draining", status="draining")) == "draining: set by an operator"


def test_all_facts_are_kept() -> None:
    record = agent(74, state="draining", status="busy", load=0.5)

    facts = [(fact.source, fact.word, fact.level) for fact in condition_of(record, NOW).facts]

    assert facts == [
        ("lease", "expired", Level.BAD),
        ("report", "busy", Level.OK),
        ("probe", "not probed", Level.OK),
        ("operator", "draining", Level.HOLD),
    ]


def test_a_condition_needs_no_query() -> None:
    # Without the `django_db` marker, a query would be an error.
    for number in range(100):
        assert condition_of(agent(number), NOW).facts
