import json
import logging
from typing import Any

import mcp_types as types
from asgiref.sync import sync_to_async
from django.conf import settings
from mcp.server import Server, ServerRequestContext
from pydantic import BaseModel
from pydantic import ValidationError as InvalidArguments
from rest_framework.exceptions import ValidationError

from agents.database.availability import UNAVAILABLE, log_unavailable
from agents.mcp.tool import Caller, Tool, ToolRefused
from agents.mcp.tools import tools_for
from agents.problems.errors import RegistryUnavailable

logger = logging.getLogger(__name__)

NAME = "agent-registry"
INSTRUCTIONS = (
    "A registry of agents: programs that are listed while they send heartbeats. Find those that "
    "can do a task, look at one, or find out why one is gone. Times are UTC."
)
Context = ServerRequestContext[Any]


def server_for(caller: Caller) -> Server[Any]:
    """Return one for one request, with the tools of this caller."""
    tools = tools_for(caller)

    async def list_tools(
        _context: Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(tool) for tool in tools.values()])

    async def call_tool(
        _context: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = tools.get(params.name)
        if tool is None:
            return _error(f"There is no tool {params.name!r}.")
        # In the thread of the request, which has the database connection.
        call = sync_to_async(_called, thread_sensitive=True)
        return await call(tool, params.arguments or {}, caller)

    return Server(
        NAME,
        title="Agent registry",
        version=str(settings.SPECTACULAR_SETTINGS["VERSION"]),
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _described(tool: Tool[Any]) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.arguments.model_json_schema(),
        annotations=types.ToolAnnotations(
            read_only_hint=not tool.is_for_operators,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=False,
        ),
    )


def _called(tool: Tool[Any], arguments: dict[str, Any], caller: Caller) -> types.CallToolResult:
    try:
        result = tool.call(_read(tool.arguments, arguments), caller)
    except ToolRefused as error:
        return _error(str(error))
    except ValidationError as error:
        return _error(f"These arguments are wrong: {json.dumps(error.detail)}")
    except UNAVAILABLE as error:
        log_unavailable(error)
        return _error(RegistryUnavailable.default_detail)
    except Exception:
        logger.exception("the tool %s failed", tool.name)
        return _error("The registry failed. Its log says why.")
    text = types.TextContent(type="text", text=json.dumps(result, ensure_ascii=False))
    return types.CallToolResult(content=[text], structured_content=result)


def _read(model: type[BaseModel], arguments: dict[str, Any]) -> BaseModel:
    """Raise ToolRefused."""
    try:
        return model.model_validate(arguments)
    except InvalidArguments as error:
        wrong = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise ToolRefused(f"These arguments are wrong: {'; '.join(wrong)}") from error


def _error(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)
