"""/health, /health/live and /health/ready."""

from http import HTTPStatus

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from ..process.lifecycle import Lifecycle


def add_health(app: FastAPI, agent: Lifecycle) -> None:
    # Coroutines: the handler may occupy all threads.
    @app.get("/health")
    async def health() -> dict[str, str]:
        """The agent is there."""
        return {"status": "healthy"}

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @app.get("/health/ready", responses={503: {"description": "Not ready, with the reason"}})
    async def ready() -> JSONResponse:
        """The agent can be given work."""
        problem = agent.problem()
        if problem is None:
            return JSONResponse({"status": "ready"})
        content = {"status": "not ready", "reason": problem}
        return JSONResponse(content, HTTPStatus.SERVICE_UNAVAILABLE)
