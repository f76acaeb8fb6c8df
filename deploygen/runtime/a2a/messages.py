"""Messages (A2A 1.0, section 4.1) as inputs."""

from collections.abc import Mapping
from typing import Any

from ..handler.contract import Contract
from .content import text_input

# Beyond it, a double may not be the number that was meant.
LARGEST_EXACT = 2**53


class UnsupportedContent(Exception):
    """The agent takes no such part."""


def inputs_of(message: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
    """Return unchecked inputs: the members of data parts, and text parts as text_input().

    Raises UnsupportedContent, ValueError.
    """
    parts = message.get("parts")
    if not isinstance(parts, list) or not parts:
        raise ValueError("message.parts must be a list of at least one part")
    inputs: dict[str, Any] = {}
    texts: list[str] = []
    for part in parts:
        if not isinstance(part, dict):
            raise ValueError("message.parts must be objects")  # noqa: TRY004 - of what was sent
        if isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif isinstance(part.get("data"), dict):
            inputs |= _whole_numbers(part["data"])
        elif "raw" in part or "url" in part:
            raise UnsupportedContent("the agent takes text and data, not files")
        else:
            raise ValueError("a part must have a text, or data that is a JSON object")
    if texts:
        name = text_input(contract.declared)
        if name is None:
            raise ValueError(
                "no input of this agent is a plain text; send a data part with its inputs by name"
            )
        inputs[name] = "\n".join(texts)
    return inputs


def _whole_numbers(value: Any) -> Any:
    """Turn 5.0 into 5: the SDKs send data as a protobuf Value, which has only doubles."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST_EXACT:
        return int(value)
    if isinstance(value, dict):
        return {key: _whole_numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(each) for each in value]
    return value
