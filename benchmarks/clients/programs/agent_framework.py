"""python agent_framework.py URL TEXT: prints what agent-framework shows of an agent's answer."""

import asyncio
import json
import sys

import httpx
from a2a.client import A2ACardResolver
from agent_framework.a2a import A2AAgent


async def main(url: str, text: str) -> None:
    async with httpx.AsyncClient() as http:
        card = await A2ACardResolver(http, url).get_agent_card()
    async with A2AAgent(name="remote", agent_card=card, url=f"{url}/a2a") as agent:
        response = await agent.run(text)
        pieces = [update.text async for update in agent.run(text, stream=True) if update.text]
    print(json.dumps({"answer": response.text, "pieces": len(pieces)}))


asyncio.run(main(*sys.argv[1:]))
