"""python crew_ai.py URL TEXT: prints what CrewAI shows of an agent's answer."""

import json
import sys

from crewai.a2a.config import A2AClientConfig
from crewai.a2a.utils.delegation import execute_a2a_delegation

url, text = sys.argv[1:]
# By default it asks for application/json alone, and shows text alone.
config = A2AClientConfig(
    endpoint=f"{url}/.well-known/agent-card.json", accepted_output_modes=["text/plain"]
)
# As CrewAI does when a model decides to delegate.
result = execute_a2a_delegation(
    endpoint=config.endpoint,
    auth=config.auth,
    timeout=config.timeout,
    task_description=text,
    updates=config.updates,
    transport=config.transport,
    accepted_output_modes=config.accepted_output_modes,
)
print(json.dumps({"answer": result.get("result") or result.get("error")}))
