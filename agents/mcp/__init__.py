"""The registry as an MCP server: tools for assistants, at ``/mcp``.

Web processes load only `views` and `urls`; the first call loads the SDK.

https://modelcontextprotocol.io/specification
"""
