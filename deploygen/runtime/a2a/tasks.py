"""Jobs as tasks (A2A 1.0, section 4.1)."""

import json
import re
from datetime import datetime
from typing import Any

from ..handler.results import object_with
from ..jobs import Job
from .content import JSON_TYPE, TEXT_TYPE

# An object with one text, as json.dumps writes it.
ONE_TEXT = re.compile(r'\{"(?:[^"\\]++|\\.)*+": ("(?:[^"\\]++|\\.)*+")\}')
STATES = {
    "running": "TASK_STATE_WORKING",
    "done": "TASK_STATE_COMPLETED",
    "failed": "TASK_STATE_FAILED",
    "cancelled": "TASK_STATE_CANCELED",
}


def task_of(job: Job) -> bytes:
    status: dict[str, Any] = {"state": STATES[job.state], "timestamp": _timestamp(job.since)}
    task: dict[str, Any] = {"id": job.id, "contextId": job.context_id, "status": status}
    if job.state == "failed":
        status["message"] = {
            "messageId": f"{job.id}-error",
            "contextId": job.context_id,
            "taskId": job.id,
            "role": "ROLE_AGENT",
            "parts": [{"text": job.problem, "mediaType": TEXT_TYPE}],
        }
    if job.state != "done":
        return json.dumps(task).encode()
    about = {"artifactId": f"{job.id}-result", "name": "result"}
    artifact = object_with(about, "parts", b"[" + _result_part(job) + b"]")
    return object_with(task, "artifacts", b"[" + artifact + b"]")


def _result_part(job: Job) -> bytes:
    kind, content = "data", job.result
    if job.wants_text:
        text = job.result.decode()
        only = ONE_TEXT.fullmatch(text)
        kind, content = "text", (only[1] if only else json.dumps(text)).encode()
    media_type = TEXT_TYPE if job.wants_text else JSON_TYPE
    return b'{"%s": %s, "mediaType": "%s"}' % (kind.encode(), content, media_type.encode())


def _timestamp(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
