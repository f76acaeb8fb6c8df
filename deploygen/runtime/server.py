"""The agent's server: ``python server.py`` serves POST /run and the health checks."""

import gc
import os
import signal

if __name__ == "__main__":
    # Nothing of what is imported is garbage; not looking for it saves a fifth of the time.
    gc.disable()
    # As the first process of a container, Python ignores SIGTERM until somebody handles it; the
    # imports below take a while, and nothing has to be put in order yet.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

import logging
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import Body, FastAPI, HTTPException
from fastapi.responses import JSONResponse, Response

from agent_config import ConfigError, read_config
from handler_runner import HandlerFailed, HandlerRunner, HandlerUnavailable
from lifecycle import Lifecycle

RETRY_AFTER = {"Retry-After": "5"}


def create_app(agent: Lifecycle) -> FastAPI:
    """Return the application of an agent."""
    config, runner = agent.config, agent.runner
    app = FastAPI(title=config.name, description=config.description)

    # The health checks are coroutines: they need no thread, and so no free one.
    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "healthy"}

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/health/ready")
    async def ready() -> JSONResponse:
        problem = agent.problem()
        if problem is None:
            return JSONResponse({"status": "ready"})
        content = {"status": "not ready", "reason": problem}
        return JSONResponse(content, HTTPStatus.SERVICE_UNAVAILABLE)

    @app.post("/run", responses={500: {"description": "The handler failed"}})
    async def run(inputs: Annotated[dict[str, Any], Body()]) -> Response:
        """Give the handler a JSON object, and answer the one that it returns."""
        if agent.draining:
            raise HTTPException(
                HTTPStatus.SERVICE_UNAVAILABLE, "the agent is stopping", RETRY_AFTER
            )
        try:
            return Response(await runner.run(inputs), media_type="application/json")
        except HandlerUnavailable as error:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, str(error), RETRY_AFTER) from error
        except HandlerFailed as error:
            raise HTTPException(HTTPStatus.INTERNAL_SERVER_ERROR, str(error)) from error

    return app


def main() -> int:
    """Serve until a signal says stop. Returns the exit code of the process."""
    logging.basicConfig(
        level=logging.INFO, format="{asctime} {levelname} {name}: {message}", style="{"
    )
    try:
        agent = Lifecycle(read_config(Path(__file__).parent, os.environ), HandlerRunner())
        return agent.run(create_app(agent))
    except ConfigError as error:
        print(f"The agent cannot start: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    sys.exit(main())
