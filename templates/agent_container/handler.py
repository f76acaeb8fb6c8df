"""The agent's handler. This file is yours, and is kept when the agent is generated again."""

from typing import Any


def handle(inputs: dict[str, Any]) -> dict[str, Any]:
    """Handle one ``POST /run``: take the JSON object of the request, return that of the response.

    A ``def`` runs in a thread and may block; an ``async def`` runs on the server's event loop and
    must not block. To reject inputs, raise ``fastapi.HTTPException(422, "what is wrong")``.
    """
    return {"echo": inputs}
