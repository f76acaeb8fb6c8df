"""Imports the author's function."""

import importlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, cast

from ..problems import Problem
from .failures import error_number

logger = logging.getLogger("agent.handler")

Function = Callable[[dict[str, Any]], Any]


class HandlerLoader:
    """Imports in the background: a model may take minutes, and health checks must be answered."""

    def __init__(self, handler: str) -> None:
        """`handler` is module:function."""
        self._module, _, self._function = handler.partition(":")
        self.problem: Problem | None = Problem("the handler is being loaded")
        self.loaded: Future[Function] = Future()

    def start(self) -> None:
        # A daemon: the process can end during the import.
        threading.Thread(target=self._load, name="load-handler", daemon=True).start()

    def refuse(self, problem: Problem) -> None:
        """Have no handler, for this reason."""
        self.problem = problem
        self.loaded.cancel()

    def _load(self) -> None:
        try:
            function = _import_function(self._module, self._function)
        except BaseException as error:
            number, reason = error_number(), _reason(error)
            # Names may hold any character.
            reason = reason if reason.isprintable() else ascii(reason)
            logger.exception("the handler cannot be loaded: %s", number)
            what, where = (
                "the handler cannot be loaded",
                f"the agent's log has more, under {number}",
            )
            self.refuse(Problem(f"{what}; {where}", f"{what}: {reason}; {where}"))
        else:
            self.problem = None
            self.loaded.set_result(function)


class _NoSuchFunction(TypeError):
    pass


def _import_function(module: str, name: str) -> Function:
    function = getattr(importlib.import_module(module), name, None)
    if not callable(function):
        raise _NoSuchFunction(f"{module}.py defines no function {name}(inputs)")
    return cast("Function", function)


def _reason(error: BaseException) -> str:
    """Return only names of code: a message may hold secrets."""
    kind = type(error).__name__
    if isinstance(error, _NoSuchFunction):
        return str(error)
    if isinstance(error, ImportError) and error.name:
        return f"{kind}: {error.name}"
    if isinstance(error, SyntaxError) and error.filename:
        return f"{kind}: {Path(error.filename).name}, line {error.lineno}"
    return kind
