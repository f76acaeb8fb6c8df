"""Reads the listing repeatedly, to compare it with the journal afterwards."""

import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from tests.faults.invariants import CLOCK_SECONDS, Breach
from tests.faults.journal import Action, Journal, Life, Outcome
from tests.repeating import repeating

PAUSE_SECONDS = 0.5
FAULTS = (httpx.TransportError, httpx.HTTPStatusError)


@dataclass(frozen=True)
class Sighting:
    """The agents listed at some moment between `sent` and `answered`."""

    sent: float
    answered: float
    # The end of each agent's lease, from the registry's answer.
    listed: Mapping[str, float]


class Watcher:
    """Reads the listing, and remembers the results."""

    def __init__(self, registry_url: str, headers: Mapping[str, str]) -> None:
        self._http = httpx.Client(base_url=registry_url, headers=dict(headers), timeout=10)
        self._sightings: list[Sighting] = []

    def take_sightings(self) -> list[Sighting]:
        """Return the sightings since the last call."""
        taken, self._sightings = self._sightings, []
        return taken

    def look(self) -> Sighting:
        """Read all pages of the listing. Raise one of FAULTS if that fails."""
        listed: dict[str, float] = {}
        sent, url = time.time(), "/agents?limit=1000"
        while url:
            answer = self._http.get(url).raise_for_status()
            for agent in answer.json():
                listed[agent["agent_id"]] = _ends(agent)
            url = answer.links.get("next", {}).get("url", "")
        return Sighting(sent, time.time(), listed)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Read the listing repeatedly while the body runs."""
        with closing(self._http), repeating(self._look_and_remember, pause=PAUSE_SECONDS):
            yield

    def _look_and_remember(self) -> None:
        with suppress(*FAULTS):
            self._sightings.append(self.look())


def _ends(agent: Mapping[str, Any]) -> float:
    beat = datetime.fromisoformat(agent["last_heartbeat"]).timestamp()
    return beat + float(agent["ttl_seconds"])


def listing_breaches(journal: Journal, sightings: list[Sighting]) -> Iterator[Breach]:
    """Yield breaches for dead agents that were listed, and living ones that were not."""
    agents = {key: _Leases(journal, lives) for key, lives in journal.by_agent().items()}
    for sighting in sightings:
        for agent_id, ends in sighting.listed.items():
            leases = agents.get(agent_id)
            if ends < sighting.sent - CLOCK_SECONDS:
                yield Breach(f"{agent_id}: listed when its lease had ended")
            elif leases is not None and leases.are_over(sighting):
                yield Breach(f"{agent_id}: listed when it had been dead for longer than its lease")
            elif leases is not None and leases.were_deregistered(sighting):
                yield Breach(f"{agent_id}: listed when its deregistering had been acknowledged")
        for agent_id, leases in agents.items():
            if agent_id not in sighting.listed and leases.last_through(sighting):
                yield Breach(f"{agent_id}: alive, and not listed")


class _Leases:
    """The begin and end of an agent's leases, as far as the agent knows."""

    def __init__(self, journal: Journal, lives: list[Life]) -> None:
        self._journal = journal
        self._lives = lives
        calls = [call for life in lives for call in life.calls]
        self._deregistrations = [call for call in calls if call.action is Action.DEREGISTER]
        self._registrations = [call for call in calls if call.action is Action.REGISTER]
        renewals = [
            (call.ended or 0, (call.beat or 0) + life.ttl)
            for life in lives
            for call in life.done(Action.REGISTER, Action.HEARTBEAT)
            if call.beat is not None and not journal.is_forgotten(call)
        ]
        renewals.sort()
        self._known = [known for known, _ in renewals]
        self._ends = [ends for _, ends in renewals]

    def are_over(self, sighting: Sighting) -> bool:
        """Return whether all its processes were certainly dead, and their leases over."""
        begun = [life for life in self._lives if life.born < sighting.answered]
        return bool(begun) and all(_is_over(life, sighting.sent) for life in begun)

    def were_deregistered(self, sighting: Sighting) -> bool:
        """Return whether it was certainly deregistered, and has not registered since."""
        done = [
            call.ended or 0
            for call in self._deregistrations
            if call.outcome is Outcome.DONE and not self._journal.is_forgotten(call)
        ]
        began = max((call.sent for call in self._registrations), default=0.0)
        in_doubt = any(call.outcome is Outcome.IN_DOUBT for call in self._registrations)
        return bool(done) and began < max(done) < sighting.sent and not in_doubt

    def last_through(self, sighting: Sighting) -> bool:
        """Return whether it certainly held a lease all the time."""
        known = bisect_right(self._known, sighting.sent)
        if not known or sighting.sent < self._journal.forgotten_until:
            return False
        if any(call.sent < sighting.answered for call in self._deregistrations):
            return False
        return self._ends[known - 1] > sighting.answered + CLOCK_SECONDS


def _is_over(life: Life, moment: float) -> bool:
    if not life.beats or life.died is None or life.died >= moment:
        return False
    if any(call.outcome is Outcome.IN_DOUBT for call in life.calls[-2:]):
        return False
    ends = [(call.beat or 0) + life.ttl for call in life.done(Action.REGISTER, Action.HEARTBEAT)]
    return max(ends, default=0.0) + CLOCK_SECONDS < moment
