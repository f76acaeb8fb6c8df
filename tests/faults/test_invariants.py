"""The judge of the bed of faults is judged: each invariant, broken once, is told."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.invariants import breaches
from tests.faults.journal import Ask, Call, Cut, Journal, JournalFile, Life, Outcome
from tests.faults.snapshot import Event, Record, Snapshot
from tests.faults.watcher import Sighting, listing_breaches

TTL = 10


def call(ask: Ask, sent: float, generation: int | None) -> Call:
    """Make a call that was done a tenth of a second later."""
    gave = None if ask is Ask.DEREGISTER else sent
    return Call(ask, sent, generation, sent + 0.1, Outcome.DONE, beat=gave)


def registered(sent: float = 0, generation: int | None = 1) -> Call:
    return call(Ask.REGISTER, sent, generation)


def beat(sent: float, generation: int = 1) -> Call:
    return call(Ask.HEARTBEAT, sent, generation)


def gave_back(sent: float, generation: int = 1) -> Call:
    return call(Ask.DEREGISTER, sent, generation)


def in_doubt(done: Call, said: str = "") -> Call:
    """Make a call of which the agent does not know whether it was done."""
    return replace(done, outcome=Outcome.IN_DOUBT, beat=None, said=said)


def refused(ask: Ask, sent: float, status: int, generation: int = 1) -> Call:
    done = call(ask, sent, generation)
    return replace(done, outcome=Outcome.REFUSED, status=status, said=f"{status}", beat=None)


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
    """Make a database in which these happened to the agent: kind, generation, when."""
    rows = [
        Event(number, "a", kind, at, generation)
        for number, (kind, generation, at) in enumerate(events, start=1)
    ]
    return Snapshot({"a": record} if record else {}, rows)


def record(generation: int = 1, beat: float = 0) -> Record:
    return Record(generation, beat, TTL)


NEW = ("registered", 1, 0.05)
AGAIN = ("re-registered", 2, 5.05)
TAKEN_OFF = ("deregistered", 1, 3.05)


def purged(at: float, generation: int = 1) -> Sequence[tuple[str, int, float]]:
    return ("expired", generation, at), ("purged", generation, at)


@pytest.mark.parametrize(
    ("told", "held"),
    [
        pytest.param(journal(), snapshot(), id="nothing at all"),
        pytest.param(
            journal(life(registered(), beat(3))), snapshot(NEW, record=record(beat=3)), id="a life"
        ),
        pytest.param(
            journal(life(registered(), gave_back(3))), snapshot(NEW, TAKEN_OFF), id="given back"
        ),
        pytest.param(
            journal(life(registered(), died=4)), snapshot(NEW, *purged(11)), id="dead and purged"
        ),
        pytest.param(
            journal(
                life(registered(), beat(4), refused(Ask.HEARTBEAT, 6, 409)),
                life(registered(5, 2), beat(8, 2)),
            ),
            snapshot(NEW, AGAIN, record=record(2, 8)),
            id="taken over",
        ),
        pytest.param(
            journal(
                life(registered(), refused(Ask.HEARTBEAT, 20, 404), registered(20.2, 3)), cut=1
            ),
            snapshot(NEW, *purged(15), ("registered", 3, 20.25), record=record(3, 20.2)),
            id="out of reach, purged, and back",
        ),
        pytest.param(
            journal(
                life(registered(), refused(Ask.HEARTBEAT, 9, 404), registered(9.2, 7)), forgotten=8
            ),
            snapshot(("registered", 7, 9.25), record=record(7, 9.2)),
            id="forgotten by a registry that was set back",
        ),
        pytest.param(
            journal(life(registered()), read_at=3),
            snapshot(NEW, TAKEN_OFF),
            id="given back when the journal had been read",
        ),
        pytest.param(
            journal(life(in_doubt(registered(generation=None)))),
            snapshot(),
            id="in doubt, and not done",
        ),
    ],
)
def test_what_may_happen_is_no_breach(told: Journal, held: Snapshot) -> None:
    assert breaches(told, held) == []


@pytest.mark.parametrize(
    ("told", "held", "breach"),
    [
        pytest.param(
            journal(life(registered(), died=1)),
            snapshot(),
            "registration 1 was acknowledged and is lost",
            id="registration",
        ),
        pytest.param(
            journal(life(registered(), gave_back(3))),
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
def test_an_acknowledged_write_that_is_lost_is_told(
    told: Journal, held: Snapshot, breach: str
) -> None:
    found = breaches(told, held)

    assert [(found.text, found.lost) for found in found] == [(f"a: {breach}", True)]


@pytest.mark.parametrize(
    ("told", "held", "breach"),
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
            journal(life(registered(), gave_back(3))),
            snapshot(NEW, TAKEN_OFF, TAKEN_OFF),
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
            snapshot(NEW, TAKEN_OFF),
            "1 was deregistered, and nobody asked for it",
            id="deregistered by nobody",
        ),
        pytest.param(
            journal(life(registered(), refused(Ask.HEARTBEAT, 3, 404))),
            snapshot(NEW, record=record()),
            "heartbeat of 1 was refused: 404",
            id="called unknown",
        ),
        pytest.param(
            journal(life(registered(), refused(Ask.HEARTBEAT, 3, 409))),
            snapshot(NEW, record=record()),
            "heartbeat of 1 was refused: 409",
            id="called another's",
        ),
        pytest.param(
            journal(life(registered(), refused(Ask.HEARTBEAT, 3, 401))),
            snapshot(NEW, record=record()),
            "heartbeat of 1 was refused: 401",
            id="not believed",
        ),
        pytest.param(
            journal(life(registered(), in_doubt(beat(3), "500, oh"))),
            snapshot(NEW, record=record()),
            "heartbeat was answered with 500, oh",
            id="a fault of the registry's own",
        ),
        pytest.param(
            journal(life(registered(), beat(6)), life(registered(5, 2))),
            snapshot(NEW, AGAIN, record=record(2, 6)),
            "1 is held as well as 2",
            id="two holders",
        ),
    ],
)
def test_what_must_not_happen_is_told(told: Journal, held: Snapshot, breach: str) -> None:
    found = breaches(told, held)

    assert [(found.text, found.lost) for found in found] == [(f"a: {breach}", False)]


def seen(asked: float, *, ends: float | None) -> list[Sighting]:
    """One look at the listing, with the agent in it if its lease `ends`."""
    return [Sighting(asked, asked + 0.1, {} if ends is None else {"a": ends})]


@pytest.mark.parametrize(
    ("told", "sightings"),
    [
        pytest.param(journal(life(registered())), seen(9, ends=10), id="alive"),
        pytest.param(journal(life(registered(), died=1)), seen(9, ends=10), id="dead a moment ago"),
        pytest.param(journal(life(registered(), died=1)), seen(11, ends=None), id="dead"),
        pytest.param(journal(life(registered())), seen(9.95, ends=None), id="perhaps expired"),
        pytest.param(
            journal(life(registered(), gave_back(3))), seen(4, ends=None), id="given back"
        ),
        pytest.param(
            journal(life(registered(), gave_back(3)), life(registered(5, 2))),
            seen(6, ends=15),
            id="given back, and taken again",
        ),
        pytest.param(
            journal(life(registered(), in_doubt(beat(8)), died=9)),
            seen(12, ends=18),
            id="dead in the middle of a heartbeat",
        ),
    ],
)
def test_a_listing_of_the_living_is_no_breach(told: Journal, sightings: list[Sighting]) -> None:
    assert list(listing_breaches(told, sightings)) == []


@pytest.mark.parametrize(
    ("told", "sightings", "breach"),
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
            journal(life(registered(), gave_back(3))),
            seen(4, ends=10),
            "listed when its deregistering had been acknowledged",
            id="given back",
        ),
        pytest.param(
            journal(life(registered())), seen(5, ends=None), "alive, and not listed", id="alive"
        ),
    ],
)
def test_a_listing_that_is_wrong_is_told(
    told: Journal, sightings: list[Sighting], breach: str
) -> None:
    assert [found.text for found in listing_breaches(told, sightings)] == [f"a: {breach}"]
