"""What a fast path makes of a request."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Response(NamedTuple):
    caller: Any
    content: bytes
    keeps_open: bool


class HandOver(NamedTuple):
    """A request that Django has to answer after all. `environ`: for its WSGI environment."""

    caller: Any
    request: bytes
    environ: Mapping[str, Any]
