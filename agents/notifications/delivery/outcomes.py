"""Outcomes of attempts."""

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from agents.models import MAX_ANSWER_LENGTH

SHOWN_BODY_BYTES = 300


class Verdict(StrEnum):
    """FAILED: the channel does not work now. REFUSED: it refuses this message. GONE: for good."""

    DELIVERED = "delivered"
    FAILED = "failed"
    REFUSED = "refused"
    GONE = "gone"


# Other errors may be temporary, or come from an intermediary.
REFUSALS = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)


@dataclass(frozen=True)
class Outcome:
    """`answer`: for people. `retry_after`: seconds, as the receiver asked."""

    verdict: Verdict
    answer: str
    retry_after: float = 0.0

    @classmethod
    def failed(cls, reason: str) -> "Outcome":
        return cls(Verdict.FAILED, _shortened(reason))

    @classmethod
    def of_status(cls, status: int, body: bytes, retry_after: float) -> "Outcome":
        text = body[:SHOWN_BODY_BYTES].decode("utf-8", errors="replace").replace("\0", "")
        answer = _shortened(" ".join(f"{status} {_phrase(status)} {text}".split()))
        return cls(_verdict(status), answer, retry_after)


def _verdict(status: int) -> Verdict:
    if HTTPStatus(200) <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Verdict.DELIVERED
    if status == HTTPStatus.GONE:
        return Verdict.GONE
    return Verdict.REFUSED if status in REFUSALS else Verdict.FAILED


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_ANSWER_LENGTH else f"{text[: MAX_ANSWER_LENGTH - 3]}..."
