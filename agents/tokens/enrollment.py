"""Who registers an agent, and what that lets it do: no id is taken from an agent that is alive."""

from dataclasses import dataclass

from agents.actors import AGENT
from agents.models import AccessToken, AgentRecord


class IdHeldByAnother(Exception):
    """The id is that of an agent which is alive, and which somebody else has registered."""

    def __init__(self, generation: int) -> None:
        super().__init__(f"generation {generation} is alive, and was registered by another token")


class TooManyAgents(Exception):
    """The token has as many agents as it may have."""

    def __init__(self, most: int) -> None:
        super().__init__(f"This token may have {most:,} agents that are alive.")


@dataclass(frozen=True)
class Enrolment:
    """`token` is the key of an access token, empty without one; `actor` stands in the history.

    `max_agents`: how many agents that are alive the token may have. `takes_over`: also the id of
    an agent that is alive and somebody else's.
    """

    actor: str = AGENT
    token: str = ""
    max_agents: int | None = None
    takes_over: bool = True

    def check_holder(self, known: AgentRecord | None) -> None:
        """Raise IdHeldByAnother. `known` is the record with the id, with the time `read_at`.

        `agents.leases` asks the database the same where it takes the id.
        """
        if known is not None and self._is_anothers(known):
            raise IdHeldByAnother(known.generation)

    def check_number(self, agent_id: str, known: AgentRecord | None) -> None:
        """Raise TooManyAgents. `known`: as above, and locked.

        Where agents are counted, the token is locked from here to the end of the transaction, so
        that of two registrations at the same moment, the second counts the first.
        """
        if self.max_agents is None:
            return
        if known is not None and (self._is_ours(known) or self._is_anothers(known)):
            return  # it counts already, or is not to be had
        AccessToken.objects.select_for_update().filter(key=self.token).first()
        others = AgentRecord.objects.filter(enrolled_by=self.token).exclude(pk=agent_id)
        if others.alive().count() >= self.max_agents:
            raise TooManyAgents(self.max_agents)

    def _is_ours(self, known: AgentRecord) -> bool:
        return known.enrolled_by == self.token and _is_alive(known)

    def _is_anothers(self, known: AgentRecord) -> bool:
        return not self.takes_over and known.enrolled_by != self.token and _is_alive(known)


def _is_alive(known: AgentRecord) -> bool:
    return known.is_alive(getattr(known, "read_at"))  # noqa: B009 - mypy knows no annotations


ANYBODY = Enrolment()
