import sys
from pathlib import Path

from mcp import Client, StdioServerParameters

SERVER = StdioServerParameters(
    command=sys.executable, args=[str(Path(__file__).with_name("tools.py"))]
)


async def handle(inputs):
    async with Client(SERVER) as server:
        tools = [tool.name for tool in (await server.list_tools()).tools]
        result = await server.call_tool("count_words", {"text": inputs["text"]})
    return {"tools": tools, "words": result.content[0].text}
