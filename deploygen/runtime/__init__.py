"""``python -m agent_runtime`` serves the handler beside this package."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .handler.context import Context

__all__ = ["Context"]


def __getattr__(name: str) -> Any:
    # Imported late: until __main__ runs, SIGTERM is ignored.
    if name in __all__:
        return getattr(importlib.import_module(".handler.context", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
