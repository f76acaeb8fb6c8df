"""What this agent does. This file is yours: generating the agent again keeps it."""

from typing import Any


def handle(inputs: dict[str, Any]) -> dict[str, Any]:
    """Answer one ``POST /run``: takes the JSON object that was sent, returns the one to answer.

    ``def`` runs in a thread, so it may block; ``async def`` runs on the server's loop, so it
    must not. To refuse an input, raise ``fastapi.HTTPException(422, "what is wrong with it")``.
    """
    return {"echo": inputs}
