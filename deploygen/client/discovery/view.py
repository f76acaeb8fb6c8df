from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from .agent import Agent
from .events import Message, NotAMessage

NOT_LISTED = "not listed any more"


class Kind(StrEnum):
    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True)
class Change:
    """`agent`: as it is now; for DELETED, as it was last seen. `reason`: of DELETED."""

    kind: Kind
    agent: Agent
    reason: str = ""


class View:
    """Returns only changes of agents that are new or different."""

    def __init__(self) -> None:
        self._agents: dict[str, Agent] = {}

    @property
    def agents(self) -> Mapping[str, Agent]:
        """A copy, by id."""
        return dict(self._agents)

    def replace(self, agents: Iterable[Agent]) -> Iterator[Change]:
        """Take a new list. What differs has changed while nobody watched."""
        listed = {agent.agent_id: agent for agent in agents}
        for agent_id in self._agents.keys() - listed.keys():
            yield Change(Kind.DELETED, self._agents.pop(agent_id), NOT_LISTED)
        for agent in listed.values():
            yield from self._put(agent)

    def apply(self, message: Message) -> Iterator[Change]:
        """Ignores unknown kinds of messages. Raise NotAMessage."""
        content = message.content
        if message.kind == Kind.DELETED:
            agent = self._agents.pop(str(content.get("agent_id")), None)
            if agent is not None:
                yield Change(Kind.DELETED, agent, str(content.get("reason", "")))
        elif message.kind in (Kind.ADDED, Kind.MODIFIED):
            record = content.get("agent")
            if not isinstance(record, dict):
                raise NotAMessage("a change without an agent")
            try:
                yield from self._put(Agent.read(record))
            except ValueError as error:
                raise NotAMessage(str(error)) from error

    def _put(self, agent: Agent) -> Iterator[Change]:
        before = self._agents.get(agent.agent_id)
        self._agents[agent.agent_id] = agent
        if before is None:
            yield Change(Kind.ADDED, agent)
        elif not before.is_same(agent):
            yield Change(Kind.MODIFIED, agent)
