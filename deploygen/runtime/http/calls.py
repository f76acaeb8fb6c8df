from contextvars import ContextVar

from ..handler.context import Context

# Of the request; a run's tasks inherit it.
current_call: ContextVar[Context | None] = ContextVar("current_call", default=None)
