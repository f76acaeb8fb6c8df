"""JSON-RPC 2.0; A2A 1.0, section 9."""

from collections.abc import Mapping
from typing import Any

from ..http.bodies import parse_json
from . import errors
from .errors import RpcError

CallId = str | int | None


def parse_call(body: bytes) -> dict[str, Any]:
    """Raises RpcError."""
    try:
        call = parse_json(body)
    except ValueError as error:
        raise RpcError(errors.PARSE_ERROR, f"not JSON: {error}") from error
    if not isinstance(call, dict):
        raise RpcError(errors.INVALID_REQUEST, "a call is one object; batches are not supported")
    return call


def call_id(call: Mapping[str, Any]) -> CallId:
    sent = call.get("id")
    return sent if isinstance(sent, str | int) and not isinstance(sent, bool) else None


def check_call(call: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return method and parameters. Raises RpcError."""
    if call.get("jsonrpc") != "2.0":
        raise RpcError(errors.INVALID_REQUEST, 'jsonrpc must be "2.0"')
    # Notifications, which have no id, are useless here.
    if call_id(call) is None:
        raise RpcError(errors.INVALID_REQUEST, "id must be a string or an integer")
    method, params = call.get("method"), call.get("params")
    if not isinstance(method, str):
        raise RpcError(errors.INVALID_REQUEST, "method must be a string")
    if not isinstance(params, dict | None):
        raise RpcError(errors.INVALID_PARAMS, "params must be an object")
    return method, params or {}
