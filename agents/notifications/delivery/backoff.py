import random
from datetime import datetime
from email.utils import parsedate_to_datetime

FIRST_SECONDS = 2.0
LONGEST_SECONDS = 600.0
LONGEST_RETRY_AFTER_SECONDS = 3600.0
MAX_DOUBLINGS = 16


def pause_after(failures: int) -> float:
    """Return seconds: twice as many after each failure, with jitter."""
    doublings = min(max(failures - 1, 0), MAX_DOUBLINGS)
    pause = min(FIRST_SECONDS * float(2**doublings), LONGEST_SECONDS)
    return pause * random.uniform(0.75, 1.25)  # noqa: S311 - not for security


def read_retry_after(text: str, now: datetime) -> float:
    """Return the seconds of a Retry-After header, 0 if it is invalid."""
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), LONGEST_RETRY_AFTER_SECONDS)
    try:
        wait = (parsedate_to_datetime(text) - now).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(max(wait, 0.0), LONGEST_RETRY_AFTER_SECONDS)
