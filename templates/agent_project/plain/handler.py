"""What the agent does."""

from typing import Any


def handle(inputs: dict[str, Any]) -> dict[str, Any]:
    """Handle one run: take the inputs that agent.yaml declares, return its outputs.

    A ``def`` runs in a thread, so it may block; an ``async def`` runs on the server's event loop,
    so it must not. To refuse inputs, raise ``fastapi.HTTPException(422, "what is wrong")``.
    """
    words = inputs["text"].split()[: inputs["most_words"]]
    return {"words": words, "count": len(words)}
