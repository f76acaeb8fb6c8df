from collections.abc import Mapping, Sequence
from typing import Any

from ..jobs import Output
from . import errors
from .content import JSON_TYPE, TEXT_TYPE
from .errors import RpcError
from .messages import has_text
from .params import texts

# Some clients send a part's kind instead of a media type.
TEXT_MODES = frozenset({TEXT_TYPE, "text/*", "text", "*/*"})
JSON_MODES = frozenset({JSON_TYPE, "application/*", "*/*"})


def output_for(configuration: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> Output:
    """Raises RpcError."""
    modes = {
        mode.partition(";")[0].strip().lower()
        for mode in texts(configuration, "acceptedOutputModes")
    }
    takes_text = not modes or bool(modes & TEXT_MODES)
    takes_data = not modes or bool(modes & JSON_MODES)
    if not takes_text and not takes_data:
        raise RpcError(errors.WRONG_CONTENT, f"this agent gives {JSON_TYPE} or {TEXT_TYPE}")
    if not takes_data:
        return "text"
    if not takes_text:
        return "data"
    # A client that sends only text may show nothing else.
    return "text and data" if all(map(has_text, parts)) else "data or text"
