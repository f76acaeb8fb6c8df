"""The agent's own MCP server. Assistants can use it too: `python tools.py`."""

from datetime import UTC, datetime

from mcp.server import MCPServer

server = MCPServer("tools", log_level="WARNING")


@server.tool()
def now() -> str:
    """The date and time in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@server.tool()
def count_words(text: str) -> int:
    """How many words a text has."""
    return len(text.split())


if __name__ == "__main__":
    server.run()
