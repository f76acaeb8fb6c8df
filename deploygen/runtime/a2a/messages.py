"""Between A2A's messages and tasks (A2A 1.0, section 4.1) and the agent's inputs and jobs."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..declarations import text_input
from ..handler.contract import Contract
from ..jobs import Job
from .card import JSON_TYPE, TEXT_TYPE

# Doubles beyond this are whole, but not exactly what was meant.
LARGEST_EXACT = 2**53
# An object with one field, a text, as json.dumps writes it.
ONE_TEXT = re.compile(r'\{"(?:[^"\\]++|\\.)*+": ("(?:[^"\\]++|\\.)*+")\}')
STATES = {
    "running": "TASK_STATE_WORKING",
    "done": "TASK_STATE_COMPLETED",
    "failed": "TASK_STATE_FAILED",
    "cancelled": "TASK_STATE_CANCELED",
}


class UnsupportedContent(Exception):
    """A part of a kind that the agent does not take."""


def inputs_of(message: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
    """Return the inputs that a message holds: not yet checked against the contract.

    Data parts are objects whose members are inputs. Text parts together are one input, that of
    text_input(). Raises UnsupportedContent, and ValueError for what is no message.
    """
    parts = message.get("parts")
    if not isinstance(parts, list) or not parts:
        raise ValueError("message.parts must be a list of at least one part")
    inputs: dict[str, Any] = {}
    texts: list[str] = []
    for part in parts:
        if not isinstance(part, dict):
            raise ValueError("message.parts must be objects")  # noqa: TRY004 - what is sent
        if isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif isinstance(part.get("data"), dict):
            inputs |= _whole_numbers(part["data"])
        elif "raw" in part or "url" in part:
            raise UnsupportedContent("the agent takes text and data, no files")
        else:
            raise ValueError("a part must have a text, or data that are a JSON object")
    if texts:
        name = text_input(contract.declared)
        if name is None:
            raise ValueError(
                "a text is no input of this agent; send a data part with its inputs by name"
            )
        inputs[name] = "\n".join(texts)
    return inputs


def task_of(job: Job) -> bytes:
    """Return the job as a task, in JSON."""
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
    told = json.dumps(task).encode()
    if job.state != "done":
        return told
    artifact = json.dumps({"artifactId": f"{job.id}-result", "name": "result"}).encode()
    artifact = artifact[:-1] + b', "parts": [' + _result_part(job) + b"]}"
    return told[:-1] + b', "artifacts": [' + artifact + b"]}"


def _result_part(job: Job) -> bytes:
    # The result as it is: to read and write again what may be large has no use.
    kind, content = "data", job.result
    if job.wants_text:
        text = job.result.decode()
        only = ONE_TEXT.fullmatch(text)
        kind, content = "text", (only[1] if only else json.dumps(text)).encode()
    media_type = TEXT_TYPE if job.wants_text else JSON_TYPE
    return b'{"%s": %s, "mediaType": "%s"}' % (kind.encode(), content, media_type.encode())


def _whole_numbers(value: Any) -> Any:
    """Make integers of whole numbers: data are a protobuf Value to the SDKs, which knows doubles
    only, so that 5 is sent as 5.0."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST_EXACT:
        return int(value)
    if isinstance(value, dict):
        return {key: _whole_numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(each) for each in value]
    return value


def _timestamp(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
