"""Calls of 0.3 (sections 6 and 7) as calls of 1.0."""

from collections.abc import Mapping
from typing import Any

from .. import errors
from ..errors import RpcError

METHODS = {
    "message/send": "SendMessage",
    "message/stream": "SendStreamingMessage",
    "tasks/get": "GetTask",
    "tasks/cancel": "CancelTask",
    "tasks/resubscribe": "SubscribeToTask",
    "tasks/pushNotificationConfig/set": "CreateTaskPushNotificationConfig",
    "tasks/pushNotificationConfig/get": "GetTaskPushNotificationConfig",
    "tasks/pushNotificationConfig/list": "ListTaskPushNotificationConfigs",
    "tasks/pushNotificationConfig/delete": "DeleteTaskPushNotificationConfig",
    "agent/getAuthenticatedExtendedCard": "GetExtendedAgentCard",
}
ROLES = {"user": "ROLE_USER", "agent": "ROLE_AGENT"}


def call_of(method: str, params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """What 0.3 does not allow is refused later. Raises RpcError."""
    name = METHODS.get(method)
    if name is None:
        raise RpcError(errors.NO_SUCH_METHOD, "there is no such method in A2A 0.3")
    changed = dict(params)
    if isinstance(params.get("message"), dict):
        changed["message"] = _message(params["message"])
    if isinstance(params.get("configuration"), dict):
        changed["configuration"] = _configuration(params["configuration"])
    return name, changed


def _message(message: dict[str, Any]) -> dict[str, Any]:
    role, parts = message.get("role"), message.get("parts")
    return message | {
        "role": ROLES.get(role) if isinstance(role, str) else None,
        "parts": list(map(_part, parts)) if isinstance(parts, list) else parts,
    }


def _part(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    kind = part.get("kind")
    content = part.get(kind) if isinstance(kind, str) else None
    if kind == "file":
        return {"url": content}
    known = {kind: content} if kind in ("text", "data") else {}
    return {**known, "metadata": part.get("metadata")}


def _configuration(configuration: dict[str, Any]) -> dict[str, Any]:
    changed = configuration | {
        "taskPushNotificationConfig": configuration.get("pushNotificationConfig")
    }
    if (blocking := configuration.get("blocking")) is not None:
        changed["returnImmediately"] = not blocking if isinstance(blocking, bool) else blocking
    return changed
