from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from ..metrics import MEDIA_TYPE, Metric, Sample, exposition
from ..process.lifecycle import Lifecycle

PATH = "/metrics"


def add_metrics(app: FastAPI, agent: Lifecycle) -> None:
    @app.get(PATH, response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:
        """Runs, and how the agent is, for Prometheus."""
        found = [*_agent_metrics(agent), *agent.jobs.metrics.metrics(), *agent.extension_metrics()]
        return PlainTextResponse(exposition(found), media_type=MEDIA_TYPE)


def _agent_metrics(agent: Lifecycle) -> list[Metric]:
    config = agent.config
    about = {"name": config.name, "agent_id": config.agent_id, **config.build}
    ready = agent.problem() is None
    return [
        Metric("agent_info", "gauge", "What this agent is.", [Sample(1, about)]),
        Metric("agent_ready", "gauge", "1 if it can be given work.", [Sample(int(ready))]),
        Metric("agent_runs_running", "gauge", "Runs now.", [Sample(agent.jobs.running)]),
        Metric("agent_runs_most", "gauge", "Runs at a time.", [Sample(config.max_jobs)]),
    ]
