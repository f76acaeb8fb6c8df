"""On whose behalf an agent is registered. `agents.leases.id_rule` decides what that allows."""

from dataclasses import dataclass

from agents.actors import AGENT


class IdHeldByAnother(Exception):
    """The id belongs to an agent that is alive and was registered by another token."""

    def __init__(self, generation: int) -> None:
        super().__init__(f"generation {generation} is alive, and was registered by another token")


class TooManyAgents(Exception):
    """The token has as many agents as it may have."""

    def __init__(self, most: int) -> None:
        super().__init__(f"This token may have {most:,} agents that are alive.")


@dataclass(frozen=True)
class Enrolment:
    """`token`: the key of an access token, or empty. `max_agents`: how many may be alive.

    `takes_over`: whether it may take the id of another token's agent that is alive.
    """

    actor: str = AGENT
    token: str = ""
    max_agents: int | None = None
    takes_over: bool = True


ANYBODY = Enrolment()
