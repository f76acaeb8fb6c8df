import re
from datetime import timedelta

from agents import agent_ids
from agents.models import MAX_TOKEN_NAME_LENGTH

AGENT_PREFIX = re.compile(agent_ids.PREFIX_PATTERN)
MAX_AGENTS = 1_000_000_000
MAX_LIFETIME = timedelta(days=36_500)
NOTHING_ALLOWED = "A token may register, read, or both."
OPERATES_BLINDLY = "A token that may operate agents must be able to read about them, too."


class BadTerms(ValueError):
    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def lifetime_of(days: int | None) -> timedelta | None:
    """At most `timedelta.max`, which `check_terms` refuses."""
    return None if days is None else timedelta(days=min(days, timedelta.max.days))


def check_terms(
    *,
    name: str,
    may_register: bool,
    may_read: bool,
    may_operate: bool,
    agent_prefix: str,
    max_agents: int | None,
    lifetime: timedelta | None,
) -> None:
    """Raise BadTerms."""
    if not (name and name.isprintable() and len(name) <= MAX_TOKEN_NAME_LENGTH):
        raise BadTerms("name", f"A name has 1 to {MAX_TOKEN_NAME_LENGTH} characters, in one line.")
    if not (may_register or may_read):
        raise BadTerms("may_register", NOTHING_ALLOWED)
    if may_operate and not may_read:
        raise BadTerms("may_operate", OPERATES_BLINDLY)
    if not may_register and (agent_prefix or max_agents is not None):
        field = "agent_prefix" if agent_prefix else "max_agents"
        raise BadTerms(field, "This is for tokens that may register.")
    if not AGENT_PREFIX.fullmatch(agent_prefix):
        raise BadTerms("agent_prefix", "Ids are made of A-Z, a-z, 0-9, '.', '_', ':', '-'.")
    if max_agents is not None and not 1 <= max_agents <= MAX_AGENTS:
        raise BadTerms("max_agents", f"It must be 1 to {MAX_AGENTS:,}.")
    if lifetime is not None and not timedelta(0) < lifetime <= MAX_LIFETIME:
        raise BadTerms("lifetime", f"It must be 1 to {MAX_LIFETIME.days:,} days.")
