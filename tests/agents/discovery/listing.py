"""Reads listings through the API."""

from typing import Any
from urllib.parse import urlencode

from rest_framework.test import APIClient


def url(path: str = "/agents", **query: Any) -> str:
    """Return a URL; the names of parameters have ``__`` for a dot."""
    pairs = {name.replace("__", "."): value for name, value in query.items()}
    return f"{path}?{urlencode(pairs, doseq=True)}"


def listed(api: APIClient, **query: Any) -> list[str]:
    answer = api.get(url(**query))
    assert answer.status_code == 200, answer.content
    return [agent["agent_id"] for agent in answer.json()]


def refused(api: APIClient, path: str = "/agents", **query: Any) -> dict[str, list[str]]:
    """Return the errors of a call that is refused."""
    answer = api.get(url(path, **query))
    assert answer.status_code == 422, answer.content
    errors: dict[str, list[str]] = answer.json()["errors"]
    return errors


def next_page(answer: Any) -> str | None:
    link = answer.headers.get("Link")
    if link is None:
        return None
    address, relation = link.split("; ")
    assert relation == 'rel="next"'
    return str(address.strip("<>"))
