import time
from collections.abc import Iterator

from agents.querysets import AgentQuerySet

# Each agent takes a transaction, to let heartbeats through.
MAX_SECONDS = 45
CHUNK = 500


class IdsInChunks:
    def __init__(self, agents: AgentQuerySet) -> None:
        self.timed_out = False
        self._ids = agents.order_by("pk").values_list("pk", flat=True)

    def __iter__(self) -> Iterator[str]:
        end = time.monotonic() + MAX_SECONDS
        chunk = list(self._ids[:CHUNK])
        while chunk:
            for agent_id in chunk:
                if time.monotonic() > end:
                    self.timed_out = True
                    return
                yield agent_id
            chunk = list(self._ids.filter(pk__gt=chunk[-1])[:CHUNK])
