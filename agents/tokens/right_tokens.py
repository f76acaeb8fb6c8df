import hashlib

from agents.tokens.expiring_cache import ExpiringCache

SECONDS = 600.0

_digests = ExpiringCache[bool]()


def was_right(token: str) -> bool:
    return bool(_digests.get(_digest(token)))


def remember(token: str) -> None:
    _digests.put(_digest(token), True, SECONDS)


def forget(token: str | None = None) -> None:
    _digests.forget(None if token is None else _digest(token))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
