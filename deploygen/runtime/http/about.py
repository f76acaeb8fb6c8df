from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response

from ..a2a.card import (
    A2A_PATH,
    CACHE_CONTROL,
    CARD_PATH,
    base_url,
    card_body,
    entity_tag,
    is_known,
)
from ..a2a.endpoint import A2AEndpoint
from ..process.lifecycle import Lifecycle
from .docs_page import HEADERS, docs_page

LINKS = {
    "run": "/run",
    "status": "/status/{job_id}",
    "schema": "/schema",
    "docs": "/docs",
    "openapi": "/openapi.json",
    "health": "/health",
    "ready": "/health/ready",
    "metrics": "/metrics",
    "agent_card": CARD_PATH,
    "a2a": A2A_PATH,
}


def add_descriptions(app: FastAPI, agent: Lifecycle, endpoint: A2AEndpoint) -> None:
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

    @app.get(CARD_PATH, responses={304: {"description": "Not modified"}})
    async def card(request: Request) -> Response:
        """The agent's card, as A2A defines it."""
        body = card_body(config, base_url(config, request.headers.get("host", "")))
        headers = {"ETag": entity_tag(body), "Cache-Control": CACHE_CONTROL}
        if is_known(request.headers.get("if-none-match", ""), headers["ETag"]):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(body, media_type="application/json", headers=headers)

    @app.post(A2A_PATH)
    async def a2a(request: Request) -> Response:
        """JSON-RPC of A2A."""
        return await endpoint.respond(request)
