"""Answers with a language model, word by word."""

import os
from collections.abc import AsyncIterator
from typing import Any

from openai import AsyncOpenAI

INSTRUCTIONS = "You are a helpful assistant. Answer briefly."

# It reads OPENAI_API_KEY and OPENAI_BASE_URL.
client = AsyncOpenAI()


async def handle(inputs: dict[str, Any]) -> AsyncIterator[str]:
    """Yield the answer in pieces; together they are the output."""
    stream = await client.chat.completions.create(
        model=os.environ["OPENAI_MODEL"],
        messages=[
            {"role": "system", "content": INSTRUCTIONS},
            {"role": "user", "content": inputs["message"]},
        ],
        stream=True,
    )
    async for chunk in stream:
        if chunk.choices and (text := chunk.choices[0].delta.content):
            yield text
