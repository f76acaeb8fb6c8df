from collections.abc import Mapping
from typing import Any, NamedTuple


class Response(NamedTuple):
    caller: Any
    content: bytes
    keeps_open: bool


class HandOver(NamedTuple):
    """Django must answer. `environ` extends the WSGI environment."""

    caller: Any
    request: bytes
    environ: Mapping[str, Any]
