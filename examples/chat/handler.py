"""Calls a language model at an OpenAI-compatible endpoint."""

import os
from typing import Any

import httpx
from fastapi import HTTPException

BASE_URL = os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
MODEL = os.environ.get("OPENAI_MODEL") or "gpt-4o-mini"
# A model may need long for the first byte.
TIMEOUT = httpx.Timeout(10, read=120)

client = httpx.AsyncClient(
    base_url=BASE_URL,
    headers={"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"},
    timeout=TIMEOUT,
)


async def handle(inputs: dict[str, Any]) -> dict[str, Any]:
    request = {
        "model": MODEL,
        "temperature": inputs["temperature"],
        "messages": [
            {"role": "system", "content": inputs["instructions"]},
            {"role": "user", "content": inputs["question"]},
        ],
    }
    try:
        response = await client.post("/chat/completions", json=request)
        response.raise_for_status()
        return _answer(response.json())
    except httpx.HTTPStatusError as error:
        # Without the response body, which may contain the key.
        problem = f"the model's endpoint responded with {error.response.status_code}"
        raise HTTPException(502, problem) from error
    except httpx.TransportError as error:
        problem = f"the model's endpoint cannot be reached ({type(error).__name__})"
        raise HTTPException(502, problem) from error
    except (ValueError, LookupError, TypeError, httpx.DecodingError) as error:
        raise HTTPException(502, "the model's endpoint returned no completion") from error


def _answer(completion: dict[str, Any]) -> dict[str, Any]:
    content = completion["choices"][0]["message"]["content"]
    if not isinstance(content, str):  # for example a refusal or a tool call
        raise TypeError("the message has no text")
    return {"answer": content, "model": str(completion.get("model") or MODEL)}
