"""Jobs as tasks (A2A 1.0, section 4.1)."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..handler.context import Progress
from ..handler.pieces import Yielded
from ..jobs import Job, State
from .wire import Wire

ONE_TEXT = re.compile(r'\{"(?:[^"\\]++|\\.)*+": ("(?:[^"\\]++|\\.)*+")\}')


def task_of(
    job: Job,
    wire: Wire,
    *,
    history_length: int | None = None,
    with_artifacts: bool = True,
    yielded: Yielded | None = None,
) -> bytes:
    """`yielded`: by a running job; None for all until now."""
    task = wire.labelled("task", {"id": job.id, "contextId": job.context_id})
    more = {"status": status_of(job, wire)}
    parts: list[bytes] = []
    if with_artifacts and job.state == "done":
        parts = result_parts(job, wire)
    elif with_artifacts and job.state == "running":
        parts = yielded_parts(job, wire, yielded or job.stream.yielded())
    if parts:
        more["artifacts"] = b"[" + artifact_of(job, parts) + b"]"
    if job.message and history_length != 0:
        more["history"] = b"[" + wire.message(job.message) + b"]"
    return object_of(task, more)


def status_of(job: Job, wire: Wire, progress: Progress | None = None) -> bytes:
    if progress is None and job.state == "running":
        progress = job.progress
    state: State = "running" if progress else job.state
    status = {"state": wire.states[state], "timestamp": _timestamp(job.since)}
    if progress is not None:
        return object_of(status, {"message": _message(job, wire, "progress", str(progress))})
    if state == "failed":
        return object_of(status, {"message": _message(job, wire, "error", job.problem)})
    return json.dumps(status).encode()


def artifact_of(job: Job, parts: Sequence[bytes]) -> bytes:
    about = {"artifactId": f"{job.id}-result", "name": "result"}
    return object_of(about, {"parts": b"[" + b", ".join(parts) + b"]"})


def result_parts(job: Job, wire: Wire) -> list[bytes]:
    data = wire.part("data", job.result)
    if job.output in ("data", "data or text"):
        return [data]
    result = job.result.decode()
    if only := ONE_TEXT.fullmatch(result):
        return [wire.part("text", only[1].encode())]
    text = wire.part("text", json.dumps(result).encode())
    return [text] if job.output == "text" else [text, data]


def yielded_parts(job: Job, wire: Wire, yielded: Yielded) -> list[bytes]:
    parts = []
    if yielded.text and shows_text(job):
        parts.append(wire.part("text", json.dumps(yielded.text).encode()))
    if shows_objects(job):
        parts += [wire.part("data", each) for each in yielded.objects]
    return parts


def shows_text(job: Job) -> bool:
    return job.output != "data"


def shows_objects(job: Job) -> bool:
    return job.output != "text"


def object_of(members: Mapping[str, Any], encoded: Mapping[str, bytes]) -> bytes:
    """`encoded`: members that are JSON already."""
    more = b"".join(b', "%s": %s' % (name.encode(), value) for name, value in encoded.items())
    return json.dumps(members).encode()[:-1] + more + b"}"


def _message(job: Job, wire: Wire, name: str, text: str) -> bytes:
    message = {
        "messageId": f"{job.id}-{name}",
        "contextId": job.context_id,
        "taskId": job.id,
        "role": wire.agent,
    }
    part = wire.part("text", json.dumps(text).encode())
    return object_of(wire.labelled("message", message), {"parts": b"[" + part + b"]"})


def _timestamp(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
