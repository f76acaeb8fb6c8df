import importlib
import inspect
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..problems import Problem
from .context import Context
from .failures import error_number

logger = logging.getLogger("agent.handler")

Function = Callable[..., Any]
CONTEXT = "context"


@dataclass(frozen=True)
class Handler:
    function: Function
    is_asynchronous: bool
    takes_context: bool

    def __call__(self, inputs: dict[str, Any], context: Context) -> Any:
        if self.takes_context:
            return self.function(inputs, context=context)
        return self.function(inputs)


class HandlerLoader:
    """Loads in the background: a model may take minutes, and health checks must not wait."""

    def __init__(self, handler: str) -> None:
        """`handler`: module:function."""
        self._module, _, self._function = handler.partition(":")
        self.problem: Problem | None = Problem("the handler is being loaded")
        self.loaded: Future[Handler] = Future()

    def start(self) -> None:
        threading.Thread(target=self._load, name="load-handler", daemon=True).start()

    def refuse(self, problem: Problem) -> None:
        self.problem = problem
        self.loaded.cancel()

    def _load(self) -> None:
        try:
            handler = _import_handler(self._module, self._function)
        except BaseException as error:
            number, reason = error_number(), _reason(error)
            reason = reason if reason.isprintable() else ascii(reason)
            logger.exception("the handler cannot be loaded: %s", number)
            what, where = (
                "the handler cannot be loaded",
                f"the agent's log has more, under {number}",
            )
            self.refuse(Problem(f"{what}; {where}", f"{what}: {reason}; {where}"))
        else:
            self.problem = None
            self.loaded.set_result(handler)


class _NoSuchFunction(TypeError):
    pass


def _import_handler(module: str, name: str) -> Handler:
    function = getattr(importlib.import_module(module), name, None)
    if not callable(function):
        raise _NoSuchFunction(f"{module}.py defines no function {name}(inputs)")
    return Handler(function, _is_asynchronous(function), _takes_context(function))


def _is_asynchronous(function: Function) -> bool:
    return any(
        inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each)
        # An object may have an asynchronous __call__.
        for each in (function, getattr(function, "__call__", None))  # noqa: B004
    )


def _takes_context(function: Function) -> bool:
    try:
        parameter = inspect.signature(function).parameters.get(CONTEXT)
    except (TypeError, ValueError):
        return False
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return parameter is not None and parameter.kind in named


def _reason(error: BaseException) -> str:
    """Names code only: a message may hold secrets."""
    kind = type(error).__name__
    if isinstance(error, _NoSuchFunction):
        return str(error)
    if isinstance(error, ImportError) and error.name:
        return f"{kind}: {error.name}"
    if isinstance(error, SyntaxError) and error.filename:
        return f"{kind}: {Path(error.filename).name}, line {error.lineno}"
    return kind
