"""A2A 1.0, section 4.1."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..handler.contract import Contract
from ..http.bodies import parse_json
from ..jobs import Job
from . import errors
from .content import text_input
from .errors import RpcError
from .params import invalid, member, optional_object, text, texts

LONGEST_ID = 256
LISTS = ("extensions", "referenceTaskIds")
PART_MEMBERS = ("text", "data", "metadata", "filename", "mediaType")
LARGEST_EXACT = 2**53


def check_message(message: Mapping[str, Any]) -> None:
    """Raises RpcError."""
    if not text(message, "messageId"):
        raise invalid("message.messageId", "is missing")
    if message.get("role") != "ROLE_USER":
        raise invalid("message.role", "must be ROLE_USER")
    if len(text(message, "contextId")) > LONGEST_ID:
        raise invalid("message.contextId", f"may have at most {LONGEST_ID} characters")
    parts = message.get("parts")
    if not isinstance(parts, list) or not parts:
        raise invalid("message.parts", "must be a list of at least one part")
    for part in parts:
        _check_part(part)
    optional_object(message, "metadata")
    for name in LISTS:
        texts(message, name)


def stored_message(message: Mapping[str, Any], job: Job) -> bytes:
    stored = {
        "messageId": text(message, "messageId"),
        "contextId": job.context_id,
        "taskId": job.id,
        "role": "ROLE_USER",
        "parts": [_stored_part(part) for part in message["parts"]],
        "metadata": optional_object(message, "metadata"),
    } | {name: texts(message, name) for name in LISTS}
    return json.dumps({name: value for name, value in stored.items() if value}).encode()


def inputs_of(parts: Sequence[Mapping[str, Any]], contract: Contract) -> dict[str, Any]:
    """Read data parts, and texts as text_input() says, unchecked. Raises RpcError."""
    inputs: dict[str, Any] = {}
    for part in parts:
        inputs |= _whole_numbers(part.get("data") or {})
    written = [part["text"] for part in parts if has_text(part)]
    if not written:
        return inputs
    name = text_input(contract.declared)
    if name is None:
        return inputs | _json_inputs("\n".join(written))
    return inputs | {name: "\n".join(written)}


def has_text(part: Mapping[str, Any]) -> bool:
    return isinstance(part.get("text"), str)


def _stored_part(part: Mapping[str, Any]) -> dict[str, Any]:
    members = {name: member(part, name) for name in PART_MEMBERS}
    return {name: value for name, value in members.items() if value is not None}


def _check_part(part: Any) -> None:
    if not isinstance(part, dict):
        raise invalid("message.parts", "must be a list of objects")
    if member(part, "raw") is not None or member(part, "url") is not None:
        raise RpcError(errors.WRONG_CONTENT, "the agent takes text and data, not files")
    if has_text(part) == isinstance(part.get("data"), dict):
        raise invalid("message.parts", "must have a text, or data that is a JSON object")


def _json_inputs(written: str) -> dict[str, Any]:
    try:
        inputs = parse_json(written.encode())
    except ValueError:
        inputs = None
    if not isinstance(inputs, dict):
        raise invalid(
            "message.parts",
            "must have the inputs by name: no input of this agent is a plain text, so send a data "
            "part, or a text that is a JSON object",
        )
    return inputs


def _whole_numbers(value: Any) -> Any:
    """Turn 5.0 into 5: the SDKs send protobuf Values, whose only numbers are doubles."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST_EXACT:
        return int(value)
    if isinstance(value, dict):
        return {key: _whole_numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(each) for each in value]
    return value
