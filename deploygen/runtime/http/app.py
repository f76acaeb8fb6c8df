import importlib

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from ..a2a.card import base_url
from ..a2a.endpoint import A2AEndpoint
from ..access.guard import Guard
from ..access.hosts import AllowedHosts, Hosts
from ..access.settings import read_settings
from ..access.tokens import AccessTokens
from ..process.lifecycle import Lifecycle
from .about import add_descriptions
from .bodies import RequestBodies
from .health import add_health
from .metrics import add_metrics
from .openapi import AgentApi
from .request_ids import HEADER as REQUEST_ID
from .request_ids import UNLOGGED, RequestIds
from .routing import Routing
from .runs import add_runs

METHODS = ("GET", "POST", "DELETE")
SENT_HEADERS = (
    "Authorization",
    "Content-Type",
    "If-None-Match",
    "A2A-Version",
    "A2A-Extensions",
    REQUEST_ID,
)
READ_HEADERS = ("ETag", "Location", "Retry-After", "WWW-Authenticate", REQUEST_ID)


def create_app(agent: Lifecycle) -> FastAPI:
    """Raises ConfigError."""
    config = agent.config
    base_url(config, "")
    tokens, settings = AccessTokens(config.environ), read_settings(config)
    app = AgentApi(
        title=config.name,
        description=config.description,
        version=config.version,
        docs_url=None,  # FastAPI's pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        # A span for each request, if there is a tracer.
        telemetry={
            "exclude": lambda scope: scope["path"].startswith(UNLOGGED),
            "operation_spans": False,
            "metrics": False,
            "logs": False,
        },
    )
    app.requires_token = tokens.required
    bodies = RequestBodies()
    add_health(app, agent, tokens)
    add_metrics(app, agent)
    add_runs(app, agent, bodies)
    add_descriptions(app, agent, A2AEndpoint(agent, bodies))
    if config.page:
        importlib.import_module("..page", package=__package__).add_page(app, config)
    # The last one sees requests first.
    app.add_middleware(Guard, tokens=tokens, settings=settings)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=METHODS,
            allow_headers=SENT_HEADERS,
            expose_headers=READ_HEADERS,
        )
    hosts = AllowedHosts(settings.allowed_hosts, config.environ, requires_token=tokens.required)
    app.add_middleware(Hosts, hosts=hosts)
    app.add_middleware(Routing)
    app.add_middleware(RequestIds)
    return app
