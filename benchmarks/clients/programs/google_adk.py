"""python google_adk.py URL TEXT: prints what ADK shows of an agent's answer."""

import asyncio
import json
import sys

from google.adk.agents.remote_a2a_agent import RemoteA2aAgent
from google.adk.runners import InMemoryRunner
from google.genai import types


async def main(url: str, text: str) -> None:
    agent = RemoteA2aAgent(name="remote", agent_card=f"{url}/.well-known/agent-card.json")
    runner = InMemoryRunner(agent=agent, app_name="trial")
    session = await runner.session_service.create_session(app_name="trial", user_id="user")
    message = types.Content(role="user", parts=[types.Part(text=text)])
    shown = [
        (bool(event.partial), "".join(part.text or "" for part in event.content.parts))
        async for event in runner.run_async(
            user_id="user", session_id=session.id, new_message=message
        )
        if event.content and event.content.parts
    ]
    whole = [piece for partial, piece in shown if not partial]
    streamed = [piece for partial, piece in shown if partial]
    print(json.dumps({"answer": "".join(whole), "pieces": len(streamed)}))


asyncio.run(main(*sys.argv[1:]))
