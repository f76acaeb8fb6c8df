"""python beeai.py URL TEXT: prints what BeeAI shows of an agent's answer."""

import asyncio
import json
import sys

from beeai_framework.adapters.a2a.agents import A2AAgent
from beeai_framework.memory import UnconstrainedMemory


async def main(url: str, text: str) -> None:
    agent = A2AAgent(url=url, memory=UnconstrainedMemory())
    response = await agent.run(text)
    print(json.dumps({"answer": response.last_message.text}))


asyncio.run(main(*sys.argv[1:]))
