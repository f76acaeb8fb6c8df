import hashlib
import hmac
import logging
import re
import time
from collections.abc import Callable, Mapping

from ..config import ConfigError
from ..environment import read_secret

logger = logging.getLogger("agent.access")

VARIABLE = "AGENT_TOKENS"
# RFC 6750. Long enough not to be guessed.
SHORTEST, LONGEST = 16, 512
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
REREAD_SECONDS = 1.0


def requires_token(environ: Mapping[str, str]) -> bool:
    return bool(environ.get(VARIABLE) or environ.get(f"{VARIABLE}_FILE"))


class AccessTokens:
    """For one event loop."""

    def __init__(
        self, environ: Mapping[str, str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises ConfigError."""
        self._environ = environ
        self._clock = clock
        self._problem = ""
        self._read_at = clock()
        self.required = requires_token(environ)
        try:
            self._digests = _read(environ) if self.required else []
        except ValueError as error:
            raise ConfigError(str(error)) from None

    def accept(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        if not self.required or scheme.lower() != "bearer":
            return False
        self._reread()
        digest = _digest(token.strip())
        is_right = False
        for each in self._digests:  # constant time
            is_right |= hmac.compare_digest(digest, each)
        return is_right

    def _reread(self) -> None:
        now = self._clock()
        if now - self._read_at < REREAD_SECONDS:
            return
        self._read_at = now
        problem = ""
        try:
            self._digests = _read(self._environ)
        except ValueError as error:
            problem = str(error)
        if problem and problem != self._problem:
            logger.error("%s; the tokens that were read before stay valid", problem)
        self._problem = problem


def _read(environ: Mapping[str, str]) -> list[bytes]:
    """Raises ValueError, without a token in the message."""
    try:
        text = read_secret(VARIABLE, environ) or ""
    except ValueError as error:
        raise ValueError(f"{VARIABLE}: {error}") from None
    tokens = [each for each in re.split(r"[\s,]+", text) if each]
    if not tokens:
        raise ValueError(f"{VARIABLE} must have at least one token")
    for number, token in enumerate(tokens, 1):
        if not SHORTEST <= len(token) <= LONGEST or not TOKEN.fullmatch(token):
            raise ValueError(
                f"{VARIABLE}: token {number} must be {SHORTEST} to {LONGEST} of A-Z, a-z, 0-9 and "
                "-._~+/, perhaps with = at its end"
            )
    return [_digest(token) for token in tokens]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("latin-1", "replace")).digest()
