"""On whose behalf an agent registers. `agents.leases.id_rule` decides what that allows."""

from dataclasses import dataclass

from agents.actors import AGENT


class IdHeldByAnother(Exception):
    def __init__(self, generation: int) -> None:
        super().__init__(f"generation {generation} is alive, and was registered by another token")


class TooManyAgents(Exception):
    def __init__(self, most: int) -> None:
        super().__init__(f"This token may have at most {most:,} living agents.")


@dataclass(frozen=True)
class Enrolment:
    """`token`: an access token's key, or "". `max_agents`: alive at once.

    `takes_over`: from another token's living agent.
    """

    actor: str = AGENT
    token: str = ""
    max_agents: int | None = None
    takes_over: bool = True


ANYBODY = Enrolment()
