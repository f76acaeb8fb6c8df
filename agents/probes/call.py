import json
from http import HTTPStatus

from agents.addresses import before_port
from agents.outbound.client import Answer, OutboundClient
from agents.outbound.errors import NoAnswer, NotAllowed
from agents.probes.result import Outcome, Result, Target

PATH = "/health/ready"
BODY_BYTES = 4096
LONGEST_REASON = 120


async def call(client: OutboundClient, target: Target) -> Result:
    url = f"http://{before_port(target.host)}:{target.port}{PATH}"
    try:
        answer = await client.send("GET", url, headers={"Accept": "application/json"})
    except NotAllowed as error:
        return Result(Outcome.NOT_ALLOWED, str(error))
    except NoAnswer as error:
        return Result(Outcome.UNREACHABLE, str(error))
    is_ready = HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES
    return Result(Outcome.ANSWERS if is_ready else Outcome.NOT_READY, _describe(answer))


def _describe(answer: Answer) -> str:
    try:
        status = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    except ValueError:
        status = str(answer.status)
    reason = _reason(answer)
    return f"{status}: {reason}" if reason else status


def _reason(answer: Answer) -> str:
    """Return the reason that generated agents give."""
    try:
        reason = json.loads(answer.body)["reason"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    if not isinstance(reason, str):
        return ""
    printable = "".join(letter if letter.isprintable() else " " for letter in reason)
    return printable[:LONGEST_REASON].strip()
