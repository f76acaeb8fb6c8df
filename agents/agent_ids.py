import re

from agents.models import MAX_ID_LENGTH

CHARACTERS = "A-Za-z0-9._:-"
PATTERN = rf"[{CHARACTERS}]{{1,{MAX_ID_LENGTH}}}"
PREFIX_PATTERN = rf"[{CHARACTERS}]{{0,{MAX_ID_LENGTH}}}"
# Paths below /agents, and what clients resolve in paths.
RESERVED = frozenset({"register", "heartbeat", "watch", "pick", ".", ".."})

_ID = re.compile(PATTERN)


def is_agent_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None and text not in RESERVED
