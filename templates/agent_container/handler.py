"""What this agent does. This file is yours, and kept when the agent is generated again."""

from typing import Any


def handle(inputs: dict[str, Any]) -> dict[str, Any]:
    """Handle one ``POST /run``: take the JSON object of the request, return that of the response.

    A ``def`` runs in a thread, so it may block; an ``async def`` runs on the server's event loop,
    so it must not. To refuse inputs, raise ``fastapi.HTTPException(422, "what is wrong")``.
    """
    return {"echo": inputs}
