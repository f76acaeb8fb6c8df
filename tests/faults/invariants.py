"""Invariants that hold after any fault: the agents' journal against the registry's database.

Each function yields breaches. They are pure; test_invariants.py breaks each of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.faults.journal import Action, Call, Journal, Life, Outcome
from tests.faults.snapshot import Event, Snapshot

# Tolerance for comparing the database's clock with the agents', and for rounding.
CLOCK_SECONDS = 0.001
REGISTRATIONS = ("registered", "re-registered")
ENDS = ("deregistered", "purged")


@dataclass(frozen=True)
class Breach:
    """A broken invariant; `lost` marks the loss of an acknowledged write."""

    text: str
    lost: bool = False

    def __str__(self) -> str:
        return self.text


@dataclass
class History:
    """The events of one agent."""

    registered: dict[int, Event] = field(default_factory=dict)
    ended: dict[int, list[Event]] = field(default_factory=dict)
    expired: dict[int, Event] = field(default_factory=dict)

    @property
    def holder(self) -> int | None:
        """The generation that holds the lease according to the events."""
        newest = max(self.registered, default=None)
        return None if newest is None or newest in self.ended else newest


def histories(snapshot: Snapshot) -> dict[str, History]:
    found: dict[str, History] = {}
    for event in snapshot.events:
        history = found.setdefault(event.agent_id, History())
        generation = event.generation or 0
        if event.kind in REGISTRATIONS:
            history.registered[generation] = event
        elif event.kind in ENDS:
            history.ended.setdefault(generation, []).append(event)
        elif event.kind == "expired":
            history.expired[generation] = event
    return found


def breaches(journal: Journal, snapshot: Snapshot) -> list[Breach]:
    """Return all breaches. `journal` must be read before `snapshot` is taken."""
    known = histories(snapshot)
    found = list(history_is_complete(snapshot, known))
    for agent_id, lives in journal.by_agent().items():
        history = known.get(agent_id, History())
        found += registrations_are_kept(journal, agent_id, lives, history)
        found += deregistrations_are_kept(journal, agent_id, lives, history)
        found += heartbeats_are_kept(journal, agent_id, lives, snapshot)
        found += ends_were_due(journal, agent_id, lives, history)
        found += refusals_were_right(journal, agent_id, lives, history)
        found += only_one_holder(journal, agent_id, lives)
    return found


def history_is_complete(snapshot: Snapshot, known: dict[str, History]) -> Iterator[Breach]:
    """An agent's events determine whether it has a record, and of which generation."""
    for agent_id in snapshot.records.keys() | known.keys():
        record, history = snapshot.records.get(agent_id), known.get(agent_id, History())
        held = record.generation if record else None
        if held != history.holder:
            yield Breach(f"{agent_id}: its record is {held}, its history says {history.holder}")
        for generation, ends in history.ended.items():
            if generation not in history.registered:
                yield Breach(f"{agent_id}: the end of {generation}, which was not registered")
            if len(ends) > 1:
                yield Breach(f"{agent_id}: {generation} ended {len(ends)} times")
            if ends[0].kind == "purged" and generation not in history.expired:
                yield Breach(f"{agent_id}: {generation} was purged, and has not expired")
        earlier: int | None = None
        for generation, event in sorted(history.registered.items()):
            if event.kind == "registered" and earlier and earlier not in history.ended:
                yield Breach(f"{agent_id}: {generation} is new, and {earlier} has not ended")
            earlier = generation


def registrations_are_kept(
    journal: Journal, agent_id: str, lives: list[Life], history: History
) -> Iterator[Breach]:
    for call in _binding(journal, lives, Action.REGISTER):
        if call.generation not in history.registered:
            text = f"{agent_id}: registration {call.generation} was acknowledged and is lost"
            yield Breach(text, lost=True)


def deregistrations_are_kept(
    journal: Journal, agent_id: str, lives: list[Life], history: History
) -> Iterator[Breach]:
    for call in _binding(journal, lives, Action.DEREGISTER):
        if not any(
            end.kind == "deregistered" for end in history.ended.get(call.generation or 0, [])
        ):
            text = f"{agent_id}: deregistering {call.generation} was acknowledged and is lost"
            yield Breach(text, lost=True)


def heartbeats_are_kept(
    journal: Journal, agent_id: str, lives: list[Life], snapshot: Snapshot
) -> Iterator[Breach]:
    record = snapshot.records.get(agent_id)
    if record is None:
        return
    for call in _binding(journal, lives, Action.HEARTBEAT, Action.REGISTER):
        kept = call.generation != record.generation or call.beat is None
        if not kept and (call.beat or 0) > record.last_heartbeat + CLOCK_SECONDS:
            yield Breach(f"{agent_id}: the heartbeat of {call.beat} is lost", lost=True)


def ends_were_due(
    journal: Journal, agent_id: str, lives: list[Life], history: History
) -> Iterator[Breach]:
    """Leases end on request, or when they run out and their agents were dead or unreachable."""
    requested = {
        c.generation for life in lives for c in life.calls if c.action is Action.DEREGISTER
    }
    holders = {call.generation: life for life in lives for call in life.done(Action.REGISTER)}
    for generation, ends in history.ended.items():
        life = holders.get(generation)
        if ends[0].at > journal.read_at:
            continue  # checked the next time
        if ends[0].kind == "deregistered" and generation not in requested:
            yield Breach(f"{agent_id}: {generation} was deregistered without a request")
        if ends[0].kind != "purged" or life is None or ends[0].at <= journal.forgotten_until:
            continue
        at = ends[0].at
        renewed = _binding(journal, [life], Action.REGISTER, Action.HEARTBEAT)
        beat = max((c.beat or 0 for c in renewed if c.generation == generation), default=0.0)
        if at < beat + life.ttl - CLOCK_SECONDS:
            yield Breach(f"{agent_id}: {generation} was purged before its lease ran out")
        elif life.is_living(at) and not journal.was_cut(life, beat, at):
            silent = at - beat
            yield Breach(
                f"{agent_id}: {generation} was purged while it lived, after {silent:.1f} s"
                " in which the registry was not there for it"
            )


def refusals_were_right(
    journal: Journal, agent_id: str, lives: list[Life], history: History
) -> Iterator[Breach]:
    """404 is only for a lease that has ended, 409 only for one that was taken over."""
    for life in lives:
        for call in life.calls:
            if call.outcome is Outcome.REFUSED and not journal.is_forgotten(call):
                yield from _check_refusal(journal, agent_id, life, call, history)
            elif call.message.startswith("500"):
                yield Breach(f"{agent_id}: {call.action} was answered with {call.message}")


def _check_refusal(
    journal: Journal, agent_id: str, life: Life, call: Call, history: History
) -> Iterator[Breach]:
    generation = call.generation or 0
    newer = max(history.registered, default=0) > generation
    given = [c for c in life.done(Action.REGISTER) if c.generation == generation]
    is_forgotten = any(journal.is_forgotten(c) for c in given)
    right = {404: generation in history.ended or is_forgotten, 409: newer or is_forgotten}
    if call.action is Action.REGISTER:
        right = {}
    if not right.get(call.status or 0, False):
        yield Breach(f"{agent_id}: {call.action} of {generation} was refused: {call.message}")


def only_one_holder(journal: Journal, agent_id: str, lives: list[Life]) -> Iterator[Breach]:
    """After a registration is acknowledged, no heartbeat of an earlier one is."""
    registered = list(_binding(journal, lives, Action.REGISTER))
    for life in lives:
        for beat in life.done(Action.HEARTBEAT):
            newer = [
                call.generation
                for call in registered
                if (call.generation or 0) > (beat.generation or 0) and (call.ended or 0) < beat.sent
            ]
            if newer:
                yield Breach(f"{agent_id}: {beat.generation} is held as well as {newer[0]}")


def _binding(journal: Journal, lives: list[Life], *actions: Action) -> Iterator[Call]:
    for life in lives:
        for call in life.done(*actions):
            if not journal.is_forgotten(call):
                yield call
