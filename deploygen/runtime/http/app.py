"""What the agent answers over HTTP."""

import json
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from ..a2a.card import (
    A2A_PATH,
    CACHE_CONTROL,
    CARD_PATH,
    base_url,
    card_body,
    entity_tag,
    is_known,
)
from ..a2a.endpoint import A2ADoor
from ..handler.contract import ContractBroken
from ..handler.runner import HandlerFailed, HandlerUnavailable
from ..jobs import Job, TooManyJobs
from ..process.lifecycle import Lifecycle
from .bodies import RETRY_AFTER, RequestBodies, parse_json
from .docs_page import HEADERS, docs_page
from .request_ids import RequestIds

LINKS = {
    "run": "/run",
    "status": "/status/{job_id}",
    "schema": "/schema",
    "docs": "/docs",
    "openapi": "/openapi.json",
    "health": "/health",
    "ready": "/health/ready",
    "agent_card": CARD_PATH,
    "a2a": A2A_PATH,
}


def create_app(agent: Lifecycle) -> FastAPI:
    """Return the application of an agent. Raises ConfigError."""
    config = agent.config
    base_url(config, "")  # a setting that cannot be used is told now
    app = FastAPI(
        title=config.name,
        description=config.description,
        version=config.version,
        docs_url=None,  # FastAPI's own pages load their scripts from elsewhere
        redoc_url=None,
    )
    bodies = RequestBodies()
    _add_health(app, agent)
    _add_jobs(app, agent, bodies)
    _add_descriptions(app, agent, A2ADoor(agent, bodies))
    app.add_middleware(RequestIds)
    return app


def _add_health(app: FastAPI, agent: Lifecycle) -> None:
    # The health checks are coroutines: they need no thread, and so no free one.
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


def _add_jobs(app: FastAPI, agent: Lifecycle, bodies: RequestBodies) -> None:
    jobs = agent.jobs
    body = {"required": True, "content": {"application/json": {"schema": agent.inputs.schema}}}

    @app.post(
        "/run",
        responses={
            200: {"content": {"application/json": {"schema": agent.outputs.schema}}},
            202: {"description": "It takes longer: ask /status/{job_id}"},
            413: {"description": "More than 1 MiB"},
            415: {"description": "Not application/json"},
            422: {"description": "Not the declared inputs"},
            500: {"description": "The handler failed"},
            503: {"description": "Too much work, or stopping: later"},
        },
        openapi_extra={"requestBody": body},
    )
    async def run(request: Request) -> Response:
        """Give the handler a JSON object, and answer the one that it returns."""
        inputs = agent.inputs.read(_parsed(await bodies.read(request)))
        if agent.draining:
            raise _later("the agent is stopping")
        job = jobs.start(inputs)
        if not await jobs.wait(job, agent.config.sync_timeout):
            jobs.remember(job)
            path = f"/status/{job.id}"
            content = {"job_id": job.id, "status": "running", "status_url": path}
            return JSONResponse(content, HTTPStatus.ACCEPTED, headers={"Location": path})
        return _result(job)

    @app.get("/status/{job_id}", responses={404: {"description": "No such job (any more)"}})
    async def status(job_id: str) -> Response:
        """What has become of a job, with its result or its error."""
        return _status(_found(agent, job_id))

    @app.delete(
        "/status/{job_id}",
        responses={404: {"description": "No such job"}, 409: {"description": "It has ended"}},
    )
    async def cancel(job_id: str) -> Response:
        """Cancel a job."""
        job = _found(agent, job_id)
        if job.state in ("done", "failed"):
            raise HTTPException(HTTPStatus.CONFLICT, f"the job has ended: {job.state}")
        jobs.cancel(job)
        return _status(job)

    @app.exception_handler(ContractBroken)
    async def not_as_declared(_: Request, error: ContractBroken) -> JSONResponse:
        detail = [{**each, "loc": ["body", *each["loc"]]} for each in error.errors]
        return JSONResponse({"detail": detail}, HTTPStatus.UNPROCESSABLE_ENTITY)

    @app.exception_handler(TooManyJobs)
    async def too_many(_: Request, error: TooManyJobs) -> JSONResponse:
        content = {"detail": str(error)}
        return JSONResponse(content, HTTPStatus.SERVICE_UNAVAILABLE, headers=RETRY_AFTER)


def _add_descriptions(app: FastAPI, agent: Lifecycle, door: A2ADoor) -> None:
    config = agent.config

    @app.get("/")
    async def about() -> dict[str, Any]:
        """What this agent is."""
        return {
            "name": config.name,
            "agent_id": config.agent_id,
            "version": config.version,
            "description": config.description,
            "tags": config.tags,
            "skills": [skill.id for skill in config.skills],
            "links": LINKS,
        }

    @app.get("/schema")
    async def schema() -> dict[str, Any]:
        """The JSON schemas of the inputs and outputs."""
        return {"inputs": agent.inputs.schema, "outputs": agent.outputs.schema}

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        page = docs_page(config, app, agent.inputs.schema, agent.outputs.schema)
        return HTMLResponse(page, headers=HEADERS)

    @app.get(CARD_PATH, responses={304: {"description": "As it was"}})
    async def card(request: Request) -> Response:
        """The agent's card, as A2A 1.0 has it."""
        body = card_body(config, base_url(config, request.headers.get("host", "")))
        headers = {"ETag": entity_tag(body), "Cache-Control": CACHE_CONTROL}
        if is_known(request.headers.get("if-none-match", ""), headers["ETag"]):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(body, media_type="application/json", headers=headers)

    @app.post(A2A_PATH)
    async def a2a(request: Request) -> Response:
        """JSON-RPC of A2A 1.0: SendMessage, GetTask, CancelTask."""
        return await door.answer(request)


def _parsed(body: bytes) -> Any:
    try:
        return parse_json(body)
    except ValueError as error:
        problem = {"loc": [], "msg": f"This is no JSON: {error}", "type": "json_invalid"}
        raise ContractBroken([problem]) from error


def _found(agent: Lifecycle, job_id: str) -> Job:
    job = agent.jobs.find(job_id)
    if job is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such job, or it has been forgotten")
    return job


def _status(job: Job) -> Response:
    told = {"job_id": job.id, "status": job.state}
    content = json.dumps(told | ({"error": job.problem} if job.state == "failed" else {})).encode()
    if job.state == "done":
        # As it is: to read and write again what may be large has no use.
        content = content[:-1] + b', "result": ' + job.result + b"}"
    return Response(content, media_type="application/json")


def _result(job: Job) -> Response:
    """Return the answer of a job that has ended. Raises HTTPException."""
    error = job.error
    if isinstance(error, HandlerUnavailable):
        raise _later(str(error)) from error
    if isinstance(error, HandlerFailed):
        raise HTTPException(HTTPStatus.INTERNAL_SERVER_ERROR, str(error)) from error
    if error is not None:
        raise error  # the handler's own refusal
    if job.state == "cancelled":
        raise _later("the agent is stopping")
    return Response(job.result, media_type="application/json")


def _later(why: str) -> HTTPException:
    return HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, why, RETRY_AFTER)
