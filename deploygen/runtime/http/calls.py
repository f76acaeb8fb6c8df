"""What is known of the request that is being answered."""

from contextvars import ContextVar

from ..handler.context import Context

# Set by the middlewares; the tasks of a run inherit it.
current_call: ContextVar[Context | None] = ContextVar("current_call", default=None)
