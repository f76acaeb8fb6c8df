from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from agents.admin.agents.operations.kinds import Operation
from agents.admin.agents.operations.selection import Selection
from agents.admin.widgets import cells, id_chunks
from agents.admin.widgets.undo import Change, Changes
from agents.leases import UnknownAgent


@dataclass(frozen=True)
class Outcome:
    """`is_complete`: something changed in time. `changes`: can be undone."""

    message: str
    is_complete: bool
    changes: Sequence[Change] = ()


def run(operation: Operation, selection: Selection, *, actor: str, reason: str) -> Outcome:
    ids = id_chunks.IdsInChunks(operation.applicable(selection.agents))
    counts = Counter[bool]()
    changes = Changes(operation.restores)
    for agent_id in ids:
        change = partial(operation.run, agent_id=agent_id, actor=actor, reason=reason)
        with suppress(UnknownAgent):
            counts[changes.make(agent_id, change)] += 1
    changed, found = counts[True], counts.total()
    parts = [f"{cells.counted(changed, 'agent')} {operation.done}"]
    if operation.expired_only:
        alive = selection.agents.alive().count()
        found = changed + alive
        if alive:
            parts.append(f"{alive:,} skipped because {'it is' if alive == 1 else 'they are'} alive")
    elif unchanged := counts[False]:
        was = "was" if unchanged == 1 else "were"
        parts.append(f"{unchanged:,} {was} already {operation.unchanged}")
    if ids.timed_out:
        parts.append(f"stopped after {id_chunks.MAX_SECONDS} s: run it again for the rest")
    elif not selection.is_across and (missing := len(selection.ticked) - found) > 0:
        was = "was" if missing == 1 else "were"
        parts.append(f"{missing:,} {was} no longer registered")
    return Outcome(f"{'; '.join(parts)}.", changed > 0 and not ids.timed_out, changes.made)
