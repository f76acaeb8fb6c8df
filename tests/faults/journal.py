"""A journal of all calls of agents and their answers, to compare with the registry's data.

Agents write it line by line at once, so that nothing is missing when they are killed. Times are
from this machine's clock, which the database shares.
"""

import itertools
import json
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

# How late a heartbeat may be on a busy machine.
LATE_SECONDS = 1


class Action(StrEnum):
    REGISTER = "register"
    HEARTBEAT = "heartbeat"
    DEREGISTER = "deregister"


class Outcome(StrEnum):
    DONE = "done"
    REFUSED = "refused"
    NOT_DONE = "not done"
    # It may or may not take effect. Calls in progress are in doubt, too.
    IN_DOUBT = "in doubt"


@dataclass
class Call:
    action: Action
    sent: float
    # Of the lease that was used or given.
    generation: int | None = None
    ended: float | None = None
    outcome: Outcome = Outcome.IN_DOUBT
    status: int | None = None
    message: str = ""
    # The last_heartbeat in the registry's answer.
    beat: float | None = None


@dataclass
class Life:
    """One process of an agent, from its start to its end."""

    agent_id: str
    ttl: int
    born: float
    # Whether it sends heartbeats; if not, it only registers.
    beats: bool = True
    died: float | None = None
    calls: list[Call] = field(default_factory=list)

    def done(self, *actions: Action) -> list[Call]:
        return [c for c in self.calls if c.outcome is Outcome.DONE and c.action in actions]

    def is_living(self, moment: float) -> bool:
        return self.beats and self.born <= moment and (self.died is None or moment < self.died)


class JournalWriter:
    """Writes the journal of one process of agents; each line is flushed."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._numbers = itertools.count(1)

    def born(self, agent_id: str, ttl: int, *, beats: bool = True) -> int:
        life = next(self._numbers)
        self._write(what="born", life=life, agent_id=agent_id, ttl=ttl, beats=beats)
        return life

    def died(self, life: int) -> None:
        self._write(what="died", life=life)

    def sent(self, life: int, action: Action, generation: int | None) -> int:
        call = next(self._numbers)
        self._write(what="sent", call=call, life=life, action=action, generation=generation)
        return call

    def ended(self, call: int, outcome: Outcome, **details: Any) -> None:
        self._write(what="ended", call=call, outcome=outcome, **details)

    def _write(self, **line: Any) -> None:
        self._output.write(json.dumps({"at": time.time(), **line}) + "\n")
        self._output.flush()


class JournalFile:
    """Reads the journal of one process of agents."""

    def __init__(self, path: Path) -> None:
        self.lives: dict[int, Life] = {}
        self._calls: dict[int, Call] = {}
        self._path = path
        self._read = 0

    def catch_up(self) -> None:
        """Read the complete lines written since the last call."""
        if not self._path.exists():
            return
        with self._path.open("rb") as source:
            source.seek(self._read)
            text = source.read()
        text = text[: text.rfind(b"\n") + 1]
        self._read += len(text)
        for line in text.splitlines():
            self._take(json.loads(line))

    def all_died(self, moment: float) -> None:
        """Record that the process was killed."""
        self.catch_up()
        for life in self.lives.values():
            life.died = life.died or moment

    def _take(self, line: dict[str, Any]) -> None:
        match line.pop("what"):
            case "born":
                life = Life(line["agent_id"], line["ttl"], line["at"], line["beats"])
                self.lives[line["life"]] = life
            case "died":
                self.lives[line["life"]].died = line["at"]
            case "sent":
                call = Call(Action(line["action"]), line["at"], line["generation"])
                self._calls[line["call"]] = call
                self.lives[line["life"]].calls.append(call)
            case "ended":
                call = self._calls.pop(line["call"])
                call.ended = line["at"]
                call.outcome = Outcome(line["outcome"])
                call.status, call.message = line.get("status"), line.get("message", "")
                call.beat = line.get("beat")
                call.generation = line.get("generation") or call.generation


@dataclass(frozen=True)
class Cut:
    """A period in which agents could not reach the running registry.

    They send a heartbeat at least every `interval` seconds.
    """

    prefix: str
    begin: float
    end: float
    interval: float

    def explains(self, life: Life, beat: float, moment: float) -> bool:
        """Return whether `life` was unreachable from its renewal at `beat` until `moment`.

        The next heartbeat was due within an interval, and so was the first one after the cut.
        """
        slack = self.interval + LATE_SECONDS
        late = self.begin - beat, moment - self.end
        return life.agent_id.startswith(self.prefix) and max(late) <= slack


@dataclass
class Journal:
    """The journals of all agents, and the faults they could not know of."""

    files: list[JournalFile] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)
    # Answers in this period were lost by restoring a backup.
    forgotten_from: float = math.inf
    forgotten_until: float = -math.inf
    # Later calls are not known yet.
    read_at: float = math.inf

    def catch_up(self) -> None:
        self.read_at = time.time()
        for file in self.files:
            file.catch_up()

    def lives(self) -> Iterable[Life]:
        return itertools.chain.from_iterable(file.lives.values() for file in self.files)

    def by_agent(self) -> dict[str, list[Life]]:
        found: dict[str, list[Life]] = {}
        for life in self.lives():
            found.setdefault(life.agent_id, []).append(life)
        return found

    def is_forgotten(self, call: Call) -> bool:
        """Return whether a restored backup may lack the effect of `call`."""
        ended = call.ended if call.ended is not None else math.inf
        return call.sent <= self.forgotten_until and self.forgotten_from <= ended

    def was_cut(self, life: Life, beat: float, moment: float) -> bool:
        """Return whether `life` was unreachable between its last `beat` and `moment`."""
        return any(cut.explains(life, beat, moment) for cut in self.cuts)
