"""JSON-RPC 2.0; A2A 1.0, section 5.4."""

from typing import Any, NamedTuple

ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"


class Code(NamedTuple):
    number: int
    reason: str = ""


PARSE_ERROR = Code(-32700)
INVALID_REQUEST = Code(-32600)
NO_SUCH_METHOD = Code(-32601)
INVALID_PARAMS = Code(-32602)
INTERNAL_ERROR = Code(-32603)
TASK_NOT_FOUND = Code(-32001, "TASK_NOT_FOUND")
TASK_NOT_CANCELABLE = Code(-32002, "TASK_NOT_CANCELABLE")
NO_PUSH = Code(-32003, "PUSH_NOTIFICATION_NOT_SUPPORTED")
UNSUPPORTED = Code(-32004, "UNSUPPORTED_OPERATION")
WRONG_CONTENT = Code(-32005, "CONTENT_TYPE_NOT_SUPPORTED")
WRONG_VERSION = Code(-32009, "VERSION_NOT_SUPPORTED")


class RpcError(Exception):
    def __init__(
        self, code: Code, message: str, fields: list[dict[str, str]] | None = None
    ) -> None:
        super().__init__(message)
        self._code = code
        self._fields = fields

    def as_json(self) -> dict[str, Any]:
        data: list[dict[str, Any]] = []
        if self._fields:
            data.append({"@type": BAD_REQUEST, "fieldViolations": self._fields})
        if reason := self._code.reason:
            data.append({"@type": ERROR_INFO, "reason": reason, "domain": "a2a-protocol.org"})
        error = {"code": self._code.number, "message": str(self)}
        return error | ({"data": data} if data else {})


class Busy(RpcError):
    """A 503, since clients do not retry because of a code inside a 200."""

    def __init__(self, message: str) -> None:
        super().__init__(INTERNAL_ERROR, message)
