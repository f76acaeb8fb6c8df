"""python strands_agents.py URL TEXT: prints what Strands shows of an agent's answer."""

import json
import sys

from strands.agent.a2a_agent import A2AAgent

url, text = sys.argv[1:]
result = A2AAgent(endpoint=url)(text)
print(json.dumps({"answer": "".join(part["text"] for part in result.message["content"])}))
