import json
from collections.abc import AsyncGenerator
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from ..handler.context import Progress
from ..handler.contract import ContractBroken
from ..handler.failures import HandlerFailed, HandlerUnavailable
from ..handler.pieces import Reader
from ..handler.results import object_with_result
from ..jobs import Job, TooManyJobs
from ..process.lifecycle import Lifecycle
from .accept import prefers
from .bodies import RETRY_AFTER, RequestBodies, parse_json
from .event_streams import MEDIA_TYPE, EventStream, event


def add_runs(app: FastAPI, agent: Lifecycle, bodies: RequestBodies) -> None:
    _add_run(app, agent, bodies)
    _add_status(app, agent)

    @app.exception_handler(ContractBroken)
    async def not_as_declared(_: Request, error: ContractBroken) -> JSONResponse:
        detail = [{**each, "loc": ["body", *each["loc"]]} for each in error.errors]
        return JSONResponse({"detail": detail}, HTTPStatus.UNPROCESSABLE_ENTITY)


def _add_run(app: FastAPI, agent: Lifecycle, bodies: RequestBodies) -> None:
    jobs = agent.jobs
    body = {"required": True, "content": {"application/json": {"schema": agent.inputs.schema}}}

    @app.post(
        "/run",
        responses={
            200: {
                "content": {
                    "application/json": {"schema": agent.outputs.schema},
                    MEDIA_TYPE: {"schema": {"type": "string"}},
                }
            },
            202: {"description": "It takes longer: see /status/{job_id}"},
            413: {"description": "More than 1 MiB"},
            415: {"description": "Not application/json"},
            422: {"description": "Not the declared inputs"},
            500: {"description": "The handler failed"},
            503: {"description": "Too much work, or stopping: try later"},
        },
        openapi_extra={"requestBody": body},
    )
    async def run(request: Request) -> Response:
        """Give the handler a JSON object, and return the one that it returns.

        With "Accept: text/event-stream", send what it yields as it comes.
        """
        inputs = agent.inputs.read(_parsed(await bodies.read(request)))
        if agent.draining:
            raise _later("the agent is stopping")
        try:
            job = jobs.start(inputs)
        except TooManyJobs as error:
            raise _later(str(error)) from error
        if prefers(request.headers.get("accept", ""), MEDIA_TYPE):
            return EventStream(_events(job, job.stream.follow()), lambda: jobs.cancel(job))
        if not await jobs.wait(job, agent.config.sync_timeout):
            jobs.remember(job)
            path = f"/status/{job.id}"
            content = {"job_id": job.id, "status": "running", "status_url": path}
            return JSONResponse(content, HTTPStatus.ACCEPTED, headers={"Location": path})
        return Response(_result(job), media_type="application/json")


def _add_status(app: FastAPI, agent: Lifecycle) -> None:
    @app.get("/status/{job_id}", responses={404: {"description": "No such job (any more)"}})
    async def status(job_id: str) -> Response:
        """What has become of a job, with its result or its error."""
        return _status(_find(agent, job_id))

    @app.delete(
        "/status/{job_id}",
        responses={404: {"description": "No such job"}, 409: {"description": "It has ended"}},
    )
    async def cancel(job_id: str) -> Response:
        """Cancel a job."""
        job = _find(agent, job_id)
        if job.state in ("done", "failed"):
            raise HTTPException(HTTPStatus.CONFLICT, f"the job has ended: {job.state}")
        agent.jobs.cancel(job)
        return _status(job)


async def _events(job: Job, updates: Reader) -> AsyncGenerator[bytes]:
    with updates:
        async for update in updates:
            if isinstance(update, Progress):
                yield event("progress", json.dumps(_progress(update)).encode())
            else:
                yield event("piece", update.json)
    yield event("result", _result(job))


def _parsed(body: bytes) -> Any:
    try:
        return parse_json(body)
    except ValueError as error:
        problem = {"loc": [], "msg": f"This is not JSON: {error}", "type": "json_invalid"}
        raise ContractBroken([problem]) from error


def _find(agent: Lifecycle, job_id: str) -> Job:
    job = agent.jobs.find(job_id)
    if job is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such job, or it has been forgotten")
    return job


def _status(job: Job) -> Response:
    about: dict[str, Any] = {"job_id": job.id, "status": job.state}
    if job.state == "running" and job.progress is not None:
        about["progress"] = _progress(job.progress)
    if job.state == "failed":
        about["error"] = job.problem
    is_done = job.state == "done"
    content = object_with_result(about, job.result) if is_done else json.dumps(about)
    return Response(content, media_type="application/json")


def _progress(progress: Progress) -> dict[str, Any]:
    return {key: value for key, value in asdict(progress).items() if value not in (None, "")}


def _result(job: Job) -> bytes:
    """Raises HTTPException."""
    error = job.error
    if isinstance(error, HandlerUnavailable):
        raise _later(str(error)) from error
    if isinstance(error, HandlerFailed):
        raise HTTPException(HTTPStatus.INTERNAL_SERVER_ERROR, str(error)) from error
    if error is not None:
        raise error
    if job.state == "cancelled":
        raise _later("the agent is stopping")
    return job.result


def _later(why: str) -> HTTPException:
    return HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, why, RETRY_AFTER)
