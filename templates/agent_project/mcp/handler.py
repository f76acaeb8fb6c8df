"""Lets a model use the tools of an MCP server."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from openai import AsyncOpenAI

MOST_TURNS = 10
# The agent's own server, in a process that lives as long as a run.
OWN_SERVER = StdioServerParameters(
    command=sys.executable, args=[str(Path(__file__).with_name("tools.py"))]
)
# Or the URL of another one.
SERVER = os.environ.get("MCP_SERVER_URL") or OWN_SERVER

# It reads OPENAI_API_KEY and OPENAI_BASE_URL.
model = AsyncOpenAI()


async def handle(inputs: dict[str, Any]) -> dict[str, Any]:
    """Ask the model, and call the tools that it asks for, until it answers."""
    messages: list[Any] = [{"role": "user", "content": inputs["message"]}]
    async with Client(SERVER) as server:
        tools = await describe_tools(server)
        for _ in range(MOST_TURNS):
            completion = await model.chat.completions.create(
                model=os.environ["OPENAI_MODEL"], messages=messages, tools=tools
            )
            message = completion.choices[0].message
            if not message.tool_calls:
                return {"answer": message.content or ""}
            messages.append(message.model_dump(exclude_none=True))
            for call in message.tool_calls:
                content = await call_tool(server, call.function)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
    raise RuntimeError(f"the model has not answered after {MOST_TURNS} turns")


async def describe_tools(server: Client) -> list[Any]:
    """Return the server's tools as the model's API wants them."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description or "",
                "parameters": tool.input_schema,
            },
        }
        for tool in (await server.list_tools()).tools
    ]


async def call_tool(server: Client, function: Any) -> str:
    result = await server.call_tool(function.name, json.loads(function.arguments or "{}"))
    return "\n".join(part.text for part in result.content if part.type == "text")
