"""What the agent does."""

from typing import Any


def handle(inputs: dict[str, Any]) -> dict[str, Any]:
    """Answer one run: takes the inputs that agent.yaml declares, returns its outputs.

    ``def`` runs in a thread, so it may block; ``async def`` runs on the server's loop, so it
    must not. To refuse an input, raise ``fastapi.HTTPException(422, "what is wrong with it")``.
    """
    words = inputs["text"].split()[: inputs["most_words"]]
    return {"words": words, "count": len(words)}
