"""ListTasks (A2A 1.0, section 3.1.4)."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ..jobs import Job
from .params import flag, history_length, invalid, moment, text, whole_number
from .tasks import task_of
from .wire import Wire

LARGEST_PAGE = 100
USUAL_PAGE = 50
STATE = "TASK_STATE_"
ANY_STATE = f"{STATE}UNSPECIFIED"

Position = tuple[datetime, str]


def task_page(jobs: Iterable[Job], params: Mapping[str, Any], wire: Wire) -> bytes:
    """Raises RpcError."""
    size = whole_number(params, "pageSize", 1, LARGEST_PAGE) or USUAL_PAGE
    length, with_artifacts = history_length(params), flag(params, "includeArtifacts")
    found = sorted(_matching(jobs, params, wire), key=_position, reverse=True)
    before = _read_token(text(params, "pageToken"))
    rest = [job for job in found if before is None or _position(job) < before]
    page = rest[:size]
    tasks = [
        task_of(job, wire, history_length=length, with_artifacts=with_artifacts) for job in page
    ]
    about = {
        "nextPageToken": _token(page[-1]) if len(rest) > size else "",
        "pageSize": size,
        "totalSize": len(found),
    }
    return json.dumps(about).encode()[:-1] + b', "tasks": [' + b", ".join(tasks) + b"]}"


def _matching(jobs: Iterable[Job], params: Mapping[str, Any], wire: Wire) -> Iterable[Job]:
    state, since = text(params, "status"), moment(params, "statusTimestampAfter")
    if state and not state.startswith(STATE):
        raise invalid("status", f"must be a state such as {STATE}WORKING")
    for job in jobs:
        has_state = state in ("", ANY_STATE, wire.states[job.state])
        if has_state and (since is None or job.since >= since):
            yield job


def _position(job: Job) -> Position:
    return job.since, job.id


def _token(job: Job) -> str:
    return base64.urlsafe_b64encode(f"{job.since.isoformat()} {job.id}".encode()).decode()


def _read_token(token: str) -> Position | None:
    if not token:
        return None
    try:
        since, _, job_id = base64.urlsafe_b64decode(token).decode().partition(" ")
        when = datetime.fromisoformat(since)
    except (ValueError, binascii.Error):
        when = None
    if when is None or when.tzinfo is None:
        raise invalid("pageToken", "must be the nextPageToken of the page before")
    return when, job_id
