import json
import re
from collections.abc import Mapping
from typing import Any

from fastapi import HTTPException

from .contract import Contract
from .encoding import encode

# Lower ones are interim responses; h11 knows none above.
LOWEST_STATUS, HIGHEST_STATUS = 200, 599
HEADER_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
HEADER_VALUE = re.compile(r"([!-~\x80-\xff]([\t -~\x80-\xff]*[!-~\x80-\xff])?)?")
FRAMING = {"connection", "content-length", "transfer-encoding", "upgrade"}


def check_outputs(result: dict[str, Any], outputs: Contract | None) -> None:
    """Raises ContractBroken."""
    if outputs is not None and outputs.declared:
        outline = {name: _outline(value) for name, value in result.items()}
        outputs.read(json.loads(json.dumps(outline)))


def object_with_result(members: dict[str, Any], result: bytes) -> bytes:
    """Append the member `result`, which is JSON already."""
    return json.dumps(members).encode()[:-1] + b', "result": ' + result + b"}"


def sendable(refusal: HTTPException) -> HTTPException:
    """Raises ValueError, or what the refusal's parts raise."""
    status, headers = refusal.status_code, refusal.headers
    if not isinstance(status, int) or not LOWEST_STATUS <= status <= HIGHEST_STATUS:
        raise ValueError(f"the status {status!r} is not one of {LOWEST_STATUS} to {HIGHEST_STATUS}")
    detail = json.loads(encode(refusal.detail)[1])
    return HTTPException(int(status), detail, _headers(headers) if headers else None)


def _outline(value: Any) -> Any:
    # Contracts look no deeper, where millions of values may be.
    if isinstance(value, list | tuple):
        return []
    return {} if isinstance(value, dict) else value


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not HEADER_NAME.fullmatch(name) or name.lower() in FRAMING:
            raise ValueError(f"a header cannot be named {name!r}")
        if not HEADER_VALUE.fullmatch(value):
            raise ValueError(f"the header {name} cannot be {value!r}")
    return dict(headers)
