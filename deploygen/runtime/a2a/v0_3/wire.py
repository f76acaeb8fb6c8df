"""A2A 0.3, section 6."""

import json
from typing import Any, Literal

from ..wire import Kind, Wire


class Wire03(Wire):
    def part(self, kind: Literal["text", "data"], content: bytes) -> bytes:
        return b'{"kind": "%s", "%s": %s}' % (kind.encode(), kind.encode(), content)

    def message(self, message: bytes) -> bytes:
        stored = json.loads(message)
        stored |= {"role": "user", "parts": list(map(_part, stored["parts"]))}
        return json.dumps(self.labelled("message", stored)).encode()

    def streamed(self, kind: Kind, event: bytes) -> bytes:  # noqa: ARG002 - the event names its kind
        return event


V0_3 = Wire03(
    version="0.3",
    states={
        "running": "working",
        "done": "completed",
        "failed": "failed",
        "cancelled": "canceled",
    },
    agent="agent",
    has_kinds=True,
    end={"final": True},
)


def _part(part: dict[str, Any]) -> dict[str, Any]:
    kind = "text" if "text" in part else "data"
    metadata = {"metadata": part["metadata"]} if "metadata" in part else {}
    return {"kind": kind, kind: part[kind], **metadata}
