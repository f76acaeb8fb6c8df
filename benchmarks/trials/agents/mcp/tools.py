from mcp.server import MCPServer

server = MCPServer("tools", log_level="WARNING")


@server.tool()
def count_words(text: str) -> int:
    """How many words a text has."""
    return len(text.split())


if __name__ == "__main__":
    server.run()
