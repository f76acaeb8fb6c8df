"""Each invariant of the test bed is broken once and must be reported."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.invariants import breaches
from tests.faults.journal import Action, Call, Cut, Journal, JournalFile, Life, Outcome
from tests.faults.snapshot import Event, Record, Snapshot
from tests.faults.watcher import Sighting, listing_breaches

TTL = 10


def call(action: Action, sent: float, generation: int | None) -> Call:
    """Return a call that was answered a tenth of a second later."""
    gave = None if action is Action.DEREGISTER else sent
    return Call(action, sent, generation, sent + 0.1, Outcome.DONE, beat=gave)


def registered(sent: float = 0, generation: int | None = 1) -> Call:
    return call(Action.REGISTER, sent, generation)


def beat(sent: float, generation: int = 1) -> Call:
    return call(Action.HEARTBEAT, sent, generation)


def deregistered(sent: float, generation: int = 1) -> Call:
    return call(Action.DEREGISTER, sent, generation)


def in_doubt(done: Call, message: str = "") -> Call:
    """Return a call whose effect is unknown to the agent."""
    return replace(done, outcome=Outcome.IN_DOUBT, beat=None, message=message)


def refused(action: Action, sent: float, status: int, generation: int = 1) -> Call:
    done = call(action, sent, generation)
    return replace(done, outcome=Outcome.REFUSED, status=status, message=f"{status}", beat=None)


def life(*calls: Call, died: float | None = None, beats: bool = True) -> Life:
    return Life("a", TTL, 0, beats, died, list(calls))


def journal(
    *lives: Life,
    cut: float | None = None,
    forgotten: float | None = None,
    read_at: float = math.inf,
) -> Journal:
    file = JournalFile(Path("nothing to read"))
    file.lives = dict(enumerate(lives))
    cuts = [] if cut is None else [Cut("a", cut, 1000, interval=3)]
    made = Journal([file], cuts, read_at=read_at)
    if forgotten is not None:
        made.forgotten_from, made.forgotten_until = 0, forgotten
    return made


def snapshot(*events: tuple[str, int, float], record: Record | None = None) -> Snapshot:
    """Return a database with these events of the agent: kind, generation, time."""
    rows = [
        Event(number, "a", kind, at, generation)
        for number, (kind, generation, at) in enumerate(events, start=1)
    ]
    return Snapshot({"a": record} if record else {}, rows)


def record(generation: int = 1, beat: float = 0) -> Record:
    return Record(generation, beat, TTL)


NEW = ("registered", 1, 0.05)
AGAIN = ("re-registered", 2, 5.05)
DEREGISTERED = ("deregistered", 1, 3.05)


def purged(at: float, generation: int = 1) -> Sequence[tuple[str, int, float]]:
    return ("expired", generation, at), ("purged", generation, at)


@pytest.mark.parametrize(
    ("journal_read", "held"),
    [
        pytest.param(journal(), snapshot(), id="nothing at all"),
        pytest.param(
            journal(life(registered(), beat(3))),
            snapshot(NEW, record=record(beat=3)),
            id="registered and renewed",
        ),
        pytest.param(
            journal(life(registered(), deregistered(3))),
            snapshot(NEW, DEREGISTERED),
            id="deregistered",
        ),
        pytest.param(
            journal(life(registered(), died=4)), snapshot(NEW, *purged(11)), id="dead and purged"
        ),
        pytest.param(
            journal(
                life(registered(), beat(4), refused(Action.HEARTBEAT, 6, 409)),
                life(registered(5, 2), beat(8, 2)),
            ),
            snapshot(NEW, AGAIN, record=record(2, 8)),
            id="taken over",
        ),
        pytest.param(
            journal(
                life(registered(), refused(Action.HEARTBEAT, 20, 404), registered(20.2, 3)), cut=1
            ),
            snapshot(NEW, *purged(15), ("registered", 3, 20.25), record=record(3, 20.2)),
            id="unreachable, purged, registered again",
        ),
        pytest.param(
            journal(
                life(registered(), refused(Action.HEARTBEAT, 9, 404), registered(9.2, 7)),
                forgotten=8,
            ),
            snapshot(("registered", 7, 9.25), record=record(7, 9.2)),
            id="lost by restoring a backup",
        ),
        pytest.param(
            journal(life(registered()), read_at=3),
            snapshot(NEW, DEREGISTERED),
            id="deregistered after the journal was read",
        ),
        pytest.param(
            journal(life(in_doubt(registered(generation=None)))),
            snapshot(),
            id="in doubt and without effect",
        ),
    ],
)
def test_a_valid_history_is_no_breach(journal_read: Journal, held: Snapshot) -> None:
    assert breaches(journal_read, held) == []


@pytest.mark.parametrize(
    ("journal_read", "held", "breach"),
    [
        pytest.param(
            journal(life(registered(), died=1)),
            snapshot(),
            "registration 1 was acknowledged and is lost",
            id="registration",
        ),
        pytest.param(
            journal(life(registered(), deregistered(3))),
            snapshot(NEW, record=record()),
            "deregistering 1 was acknowledged and is lost",
            id="deregistration",
        ),
        pytest.param(
            journal(life(registered(), beat(3))),
            snapshot(NEW, record=record(beat=0)),
            "the heartbeat of 3 is lost",
            id="heartbeat",
        ),
    ],
)
def test_a_lost_acknowledged_write_is_reported(
    journal_read: Journal, held: Snapshot, breach: str
) -> None:
    found = breaches(journal_read, held)

    assert [(found.text, found.lost) for found in found] == [(f"a: {breach}", True)]


@pytest.mark.parametrize(
    ("journal_read", "held", "breach"),
    [
        pytest.param(
            journal(life(registered())),
            snapshot(NEW),
            "its record is None, its history says 1",
            id="a record without an end",
        ),
        pytest.param(
            journal(),
            snapshot(record=record()),
            "its record is 1, its history says None",
            id="a record without a beginning",
        ),
        pytest.param(
            journal(life(registered(), deregistered(3))),
            snapshot(NEW, DEREGISTERED, DEREGISTERED),
            "1 ended 2 times",
            id="two ends",
        ),
        pytest.param(
            journal(life(registered(), died=1)),
            snapshot(NEW, ("purged", 1, 11)),
            "1 was purged, and has not expired",
            id="purged without expiring",
        ),
        pytest.param(
            journal(),
            snapshot(("purged", 1, 11), ("expired", 1, 11)),
            "the end of 1, which was not registered",
            id="an end without a beginning",
        ),
        pytest.param(
            journal(),
            snapshot(NEW, ("registered", 2, 5), record=record(2, 5)),
            "2 is new, and 1 has not ended",
            id="a new one without the end of the old",
        ),
        pytest.param(
            journal(life(registered(), beat(3), died=4)),
            snapshot(NEW, *purged(11)),
            "1 was purged before its lease ran out",
            id="purged too early",
        ),
        pytest.param(
            journal(life(registered())),
            snapshot(NEW, *purged(30)),
            "1 was purged while it lived, after 30.0 s in which the registry was not there for it",
            id="purged while it lived",
        ),
        pytest.param(
            journal(life(registered()), cut=25),
            snapshot(NEW, *purged(30)),
            "1 was purged while it lived, after 30.0 s in which the registry was not there for it",
            id="purged when it had been cut off for less than its lease",
        ),
        pytest.param(
            journal(life(registered())),
            snapshot(NEW, DEREGISTERED),
            "1 was deregistered without a request",
            id="deregistered without a request",
        ),
        pytest.param(
            journal(life(registered(), refused(Action.HEARTBEAT, 3, 404))),
            snapshot(NEW, record=record()),
            "heartbeat of 1 was refused: 404",
            id="404 for a valid lease",
        ),
        pytest.param(
            journal(life(registered(), refused(Action.HEARTBEAT, 3, 409))),
            snapshot(NEW, record=record()),
            "heartbeat of 1 was refused: 409",
            id="409 for a valid lease",
        ),
        pytest.param(
            journal(life(registered(), refused(Action.HEARTBEAT, 3, 401))),
            snapshot(NEW, record=record()),
            "heartbeat of 1 was refused: 401",
            id="401 for a valid lease",
        ),
        pytest.param(
            journal(life(registered(), in_doubt(beat(3), "500, oh"))),
            snapshot(NEW, record=record()),
            "heartbeat was answered with 500, oh",
            id="500",
        ),
        pytest.param(
            journal(life(registered(), beat(6)), life(registered(5, 2))),
            snapshot(NEW, AGAIN, record=record(2, 6)),
            "1 is held as well as 2",
            id="two holders",
        ),
    ],
)
def test_a_broken_invariant_is_reported(journal_read: Journal, held: Snapshot, breach: str) -> None:
    found = breaches(journal_read, held)

    assert [(found.text, found.lost) for found in found] == [(f"a: {breach}", False)]


def seen(sent: float, *, ends: float | None) -> list[Sighting]:
    """Return one reading of the listing, which has the agent unless `ends` is None."""
    return [Sighting(sent, sent + 0.1, {} if ends is None else {"a": ends})]


@pytest.mark.parametrize(
    ("journal_read", "sightings"),
    [
        pytest.param(journal(life(registered())), seen(9, ends=10), id="alive"),
        pytest.param(journal(life(registered(), died=1)), seen(9, ends=10), id="dead a moment ago"),
        pytest.param(journal(life(registered(), died=1)), seen(11, ends=None), id="dead"),
        pytest.param(journal(life(registered())), seen(9.95, ends=None), id="perhaps expired"),
        pytest.param(
            journal(life(registered(), deregistered(3))), seen(4, ends=None), id="deregistered"
        ),
        pytest.param(
            journal(life(registered(), deregistered(3)), life(registered(5, 2))),
            seen(6, ends=15),
            id="deregistered and registered again",
        ),
        pytest.param(
            journal(life(registered(), in_doubt(beat(8)), died=9)),
            seen(12, ends=18),
            id="dead during a heartbeat",
        ),
    ],
)
def test_a_correct_listing_is_no_breach(journal_read: Journal, sightings: list[Sighting]) -> None:
    assert list(listing_breaches(journal_read, sightings)) == []


@pytest.mark.parametrize(
    ("journal_read", "sightings", "breach"),
    [
        pytest.param(
            journal(life(registered())),
            seen(11, ends=10),
            "listed when its lease had ended",
            id="expired",
        ),
        pytest.param(
            journal(life(registered(), died=1)),
            seen(11, ends=20),
            "listed when it had been dead for longer than its lease",
            id="dead",
        ),
        pytest.param(
            journal(life(registered(), deregistered(3))),
            seen(4, ends=10),
            "listed when its deregistering had been acknowledged",
            id="deregistered",
        ),
        pytest.param(
            journal(life(registered())), seen(5, ends=None), "alive, and not listed", id="alive"
        ),
    ],
)
def test_a_wrong_listing_is_reported(
    journal_read: Journal, sightings: list[Sighting], breach: str
) -> None:
    assert [found.text for found in listing_breaches(journal_read, sightings)] == [f"a: {breach}"]
