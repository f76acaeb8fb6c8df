from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from ..access.tokens import AccessTokens
from ..process.lifecycle import Lifecycle


def add_health(app: FastAPI, agent: Lifecycle, tokens: AccessTokens) -> None:
    # Coroutines, since handlers may occupy all threads.
    @app.get("/health")
    async def health() -> dict[str, str]:
        """The agent is there."""
        return {"status": "healthy"}

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @app.get("/health/ready", responses={503: {"description": "Not ready, with the reason"}})
    async def ready(request: Request) -> JSONResponse:
        """The agent can be given work. With a token, the reason is detailed."""
        problem = agent.problem()
        if problem is None:
            return JSONResponse({"status": "ready"})
        may_know = tokens.accept(request.headers.get("authorization", ""))
        reason = problem.detail if may_know else problem.general
        content = {"status": "not ready", "reason": reason}
        return JSONResponse(content, HTTPStatus.SERVICE_UNAVAILABLE)
