"""Distinguishes the registry's responses from those of others."""

import json
from http import HTTPStatus
from typing import Any

import httpx

from .errors import RegistryError, RegistryRefused, RegistryUnavailable
from .pacing import retry_after

LONGEST_REASON = 300
PROBLEM_TYPE = "application/problem+json"  # RFC 9457
BUSY = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
NOT_DONE = BUSY | {HTTPStatus.SERVICE_UNAVAILABLE}


def error_of(response: httpx.Response, text: bytes, through: str = "") -> RegistryError:
    """Return the error of an unsuccessful response. `through`: names the proxy."""
    status = response.status_code
    content = json_of(text)
    message = f"{status}{_reason(response, content)}"
    is_registry = _is_problem(response, content)
    if not is_registry:
        message += f": this is not a response of a registry{through}"
    if status in BUSY or response.is_server_error:
        return RegistryUnavailable(
            message, retry_after=retry_after(response.headers), perhaps_done=status not in NOT_DONE
        )
    if not is_registry:
        return RegistryUnavailable(message, perhaps_done=False)
    return RegistryRefused(message, status)


def foreign(response: httpx.Response, through: str = "") -> RegistryUnavailable:
    """Return the error of a successful response that no registry sends."""
    return RegistryUnavailable(
        f"{response.status_code}: this is not a response of a registry{through}"
    )


def json_of(text: bytes) -> Any:
    """Return None if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_problem(response: httpx.Response, content: Any) -> bool:
    """Whether the registry sent it, not a proxy."""
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return (
        media_type == PROBLEM_TYPE
        and isinstance(content, dict)
        and content.get("status") == response.status_code
    )


def _reason(response: httpx.Response, content: Any) -> str:
    if response.is_redirect:
        return f", moved to {response.headers.get('location', '')}"[:LONGEST_REASON]
    detail = content.get("detail") if isinstance(content, dict) else None
    reason = detail if isinstance(detail, str) else response.reason_phrase
    return f", {' '.join(reason.split())}"[:LONGEST_REASON] if reason else ""
