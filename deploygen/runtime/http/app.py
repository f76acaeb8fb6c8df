"""The FastAPI application of an agent."""

from fastapi import FastAPI

from ..a2a.card import base_url
from ..a2a.endpoint import A2AEndpoint
from ..process.lifecycle import Lifecycle
from .about import add_descriptions
from .bodies import RequestBodies
from .health import add_health
from .request_ids import RequestIds
from .routing import Routing
from .runs import add_runs


def create_app(agent: Lifecycle) -> FastAPI:
    """Raises ConfigError."""
    config = agent.config
    base_url(config, "")  # raises for a setting that no card could have
    app = FastAPI(
        title=config.name,
        description=config.description,
        version=config.version,
        docs_url=None,  # FastAPI's own pages load their scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    bodies = RequestBodies()
    add_health(app, agent)
    add_runs(app, agent, bodies)
    add_descriptions(app, agent, A2AEndpoint(agent, bodies))
    app.add_middleware(Routing)
    app.add_middleware(RequestIds)
    return app
