import math
from dataclasses import replace
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ..http.bodies import RETRY_AFTER
from ..http.calls import current_call
from .addresses import client_address, rate_key
from .rates import Rates
from .settings import AccessSettings
from .tokens import AccessTokens

OPEN_TO_ALL = frozenset(
    {
        "/",
        "/docs",
        "/openapi.json",
        "/schema",
        "/health",
        "/health/live",
        "/health/ready",
        "/.well-known/agent-card.json",
    }
)
SCHEME = "Bearer"


class Guard:
    """ASGI middleware. Paths must have no trailing slash."""

    def __init__(self, app: ASGIApp, tokens: AccessTokens, settings: AccessSettings) -> None:
        self._app = app
        self._tokens = tokens
        self._settings = settings
        self._rates = Rates(settings.rate_per_address)
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_TO_ALL:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        caller = self._caller(scope, headers)
        refusal = self._refusal(caller, headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        if call := current_call.get():
            current_call.set(replace(call, caller=caller))
        self._waiting += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._waiting -= 1

    def _refusal(self, caller: str, headers: Headers) -> JSONResponse | None:
        # Before the token, to stop guessing.
        seconds = self._rates.seconds_to_wait(rate_key(caller))
        if seconds:
            rate = self._settings.rate_per_address
            return _refusal(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"more than {rate} from one address",
                {"Retry-After": str(math.ceil(seconds))},
            )
        if self._tokens.required:
            sent = headers.get("authorization", "")
            if not self._tokens.accept(sent):
                return _unauthorized(is_wrong=bool(sent))
        if self._waiting >= self._settings.max_waiting:
            problem = f"the limit of waiting calls is reached: {self._settings.max_waiting}"
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, problem, RETRY_AFTER)
        return None

    def _caller(self, scope: Scope, headers: Headers) -> str:
        peer = scope["client"][0] if scope.get("client") else ""
        forwarded_for = ",".join(headers.getlist("x-forwarded-for"))
        return client_address(peer, forwarded_for, self._settings.trusted_proxies)


def _unauthorized(*, is_wrong: bool) -> JSONResponse:
    challenge = f'{SCHEME} realm="agent"'
    if is_wrong:
        problem = "this token is not one of the agent's, or not a bearer token"
        challenge += ', error="invalid_token"'
    else:
        problem = "this call needs a token: Authorization: Bearer TOKEN"
    return _refusal(HTTPStatus.UNAUTHORIZED, problem, {"WWW-Authenticate": challenge})


def _refusal(status: HTTPStatus, problem: str, headers: dict[str, str]) -> JSONResponse:
    return JSONResponse({"detail": problem}, status, headers)
