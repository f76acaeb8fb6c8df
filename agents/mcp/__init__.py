"""The registry as an MCP server: tools for assistants, at ``/mcp``.

Only `views` and `urls` are loaded with the web process; the SDK is when somebody calls.

https://modelcontextprotocol.io/specification
"""
