import json
from typing import Any
from urllib.parse import quote

from agents.history.record import Kind, record_event
from agents.models import MAX_REASON_LENGTH, AgentRecord
from agents.trials.call import Reply, call

RUN, STATUS, SCHEMA = "/run", "/status", "/schema"


def run_agent(agent: AgentRecord, inputs: Any, *, actor: str, token: str = "") -> Reply:
    """Run an agent. The history has who did, and what came back, but no inputs and no token."""
    content = json.dumps(inputs).encode()
    reply = call(agent, "POST", RUN, content=content, token=token)
    seconds = "" if reply.answer is None else f" in {reply.answer.seconds:.2f} s"
    record_event(
        Kind.TRIED,
        agent_id=agent.agent_id,
        generation=agent.generation,
        actor=actor,
        reason=f"POST {RUN}: {reply.in_words}{seconds}"[:MAX_REASON_LENGTH],
    )
    return reply


def read_job(agent: AgentRecord, job: str, *, token: str = "") -> Reply:
    return call(agent, "GET", f"{STATUS}/{quote(job, safe='')}", token=token)


def read_schema(agent: AgentRecord) -> Reply:
    return call(agent, "GET", SCHEMA)
