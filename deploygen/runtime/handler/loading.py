"""Importing the author's function, in a thread of its own."""

import importlib
import logging
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, cast

logger = logging.getLogger("agent.handler")

Function = Callable[[dict[str, Any]], Any]


class HandlerLoader:
    """Imports the handler in the background: a model may take minutes to load, and until then the
    agent has to answer its health checks."""

    def __init__(self, handler: str) -> None:
        """`handler` is module:function."""
        self._module, _, self._function = handler.partition(":")
        self.problem: str | None = "the handler is being loaded"
        self.loaded: Future[Function] = Future()

    def start(self) -> None:
        # A daemon, so that a process that is stopped need not wait for the import.
        threading.Thread(target=self._load, name="load-handler", daemon=True).start()

    def refuse(self, problem: str) -> None:
        """Have no handler, and say why."""
        self.problem = problem
        self.loaded.cancel()

    def _load(self) -> None:
        try:
            function = _import_function(self._module, self._function)
        except BaseException as error:
            number, reason = error_number(), _reason(error)
            # In Python, a name may hold any character.
            reason = reason if reason.isprintable() else ascii(reason)
            logger.exception("the handler cannot be loaded: %s", number)
            self.refuse(
                f"the handler cannot be loaded: {reason}; the agent's log has the traceback, "
                f"under {number}"
            )
        else:
            self.problem = None
            self.loaded.set_result(function)


def error_number() -> str:
    """Return a number under which somebody finds an error in the log."""
    return uuid.uuid4().hex[:12]


class _NoSuchFunction(TypeError):
    pass


def _import_function(module: str, name: str) -> Function:
    function = getattr(importlib.import_module(module), name, None)
    if not callable(function):
        raise _NoSuchFunction(f"{module}.py defines no function {name}(inputs)")
    return cast("Function", function)


def _reason(error: BaseException) -> str:
    """Return what everybody may know: names of code. A message may hold secrets."""
    kind = type(error).__name__
    if isinstance(error, _NoSuchFunction):
        return str(error)
    if isinstance(error, ImportError) and error.name:
        return f"{kind}: {error.name}"
    if isinstance(error, SyntaxError) and error.filename:
        return f"{kind}: {Path(error.filename).name}, line {error.lineno}"
    return kind
