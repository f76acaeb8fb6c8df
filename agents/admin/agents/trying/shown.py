"""An agent's answer, for people."""

import json
from dataclasses import dataclass

from agents.outbound.client import Answer
from agents.states import Level
from agents.trials.call import BODY_BYTES, Reply

TEXT_TYPES = ("text/", "application/json", "application/problem+json", "application/xml")
FIRST_PRINTABLE = " "


@dataclass(frozen=True)
class Shown:
    """`text`: "" if it cannot be shown. `job`: of a run that goes on."""

    level: Level
    word: str
    detail: str = ""
    text: str = ""
    job: str = ""


def shown(reply: Reply) -> Shown:
    answer = reply.answer
    if answer is None:
        return Shown(Level.BAD, "no answer", reply.problem)
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    detail = f"{answer.seconds:.2f} s, {len(answer.body):,} bytes"
    detail += f" of {kind[:80]}" if kind else ""
    if answer.is_cut:
        detail += f"; only the first {BODY_BYTES // 1024} KiB were read"
    text = _text(answer, kind)
    if answer.body and not text:
        detail += "; they are not text"
    level = Level.OK if reply.is_good else Level.BAD
    return Shown(level, reply.in_words, detail, text, _job(reply))


def _text(answer: Answer, kind: str) -> str:
    try:
        text = answer.body.decode("utf-8", "replace" if answer.is_cut else "strict")
    except UnicodeDecodeError:
        return answer.body.decode("latin-1") if kind.startswith("text/") else ""
    if not kind.startswith(TEXT_TYPES) and "\0" in text:
        return ""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text


def _job(reply: Reply) -> str:
    value = reply.json()
    is_running = isinstance(value, dict) and value.get("status") == "running"
    job = value.get("job_id") if is_running else ""
    return job if isinstance(job, str) else ""
