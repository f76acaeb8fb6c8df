"""Loads the developer's handler, and calls it: in a thread, or on the loop."""

import asyncio
import contextvars
import importlib
import inspect
import logging
import threading
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

from fastapi import HTTPException

from .contract import Contract, ContractBroken
from .results import result_json, sendable

logger = logging.getLogger("agent.handler")

Handle = Callable[[dict[str, Any]], Any]
# Seconds that a request waits for a handler that is still being imported.
LOADING_PATIENCE_SECONDS = 5.0


class HandlerUnavailable(Exception):
    """There is no handler to call; the message says why."""


class HandlerFailed(Exception):
    """The handler raised or answered nonsense; the message is fit for the caller."""


class HandlerRunner:
    """Imports the handler in a thread of its own: models may take minutes to load, and until
    then the agent shall answer its health checks."""

    def __init__(
        self,
        handler: str = "handler:handle",
        *,
        outputs: Contract | None = None,
        threads: int = 16,
    ) -> None:
        """`handler` is module:function; `threads` are those that call it if it is a `def`."""
        self._module_name, _, self._function_name = handler.partition(":")
        self._name = f"{self._function_name}()"
        self._outputs = outputs
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="handler")
        self._problem: str | None = "the handler is being loaded"
        self._loading: Future[Handle] = Future()

    def start_loading(self) -> None:
        # A daemon, so that a process that was told to stop need not wait for the import.
        threading.Thread(target=self._load, name="load-handler", daemon=True).start()

    def refuse(self, problem: str) -> None:
        """Let there be no handler, instead of loading it."""
        self._problem = problem
        self._loading.cancel()

    def is_loading(self) -> bool:
        return not self._loading.done()

    def problem(self) -> str | None:
        """Why ``run`` cannot work; None when it can."""
        return self._problem

    async def run(self, inputs: dict[str, Any]) -> bytes:
        """Call the handler; returns its answer as JSON text.

        Raises HandlerUnavailable, HandlerFailed, and the HTTPException of a handler that refuses
        its inputs. Exceptions of the handler end up in the log, not with the caller: their
        messages may hold what is none of the caller's business. Cancelled, it ends when the
        handler does: no thread can be made to stop.
        """
        handle = await self._loaded_handle()
        try:
            return await self._call(handle, inputs)
        except HandlerFailed:
            raise
        except HTTPException as error:
            raise self._refusal(error) from error
        except asyncio.CancelledError as error:
            if _is_being_cancelled():
                raise
            raise self._told(error) from error  # a task of the handler's own was
        except BaseException as error:
            # SystemExit too, and what extension modules raise beside Exception, such as the
            # panics of those in Rust: no call of a handler ends the agent.
            raise self._told(error) from error

    def close(self) -> None:
        """Let the threads end that have nothing to do; no call may follow."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _loaded_handle(self) -> Handle:
        if self.is_loading():
            await asyncio.wait(
                [asyncio.wrap_future(self._loading)], timeout=LOADING_PATIENCE_SECONDS
            )
        if self._problem is not None:
            raise HandlerUnavailable(self._problem)
        return self._loading.result()

    def _load(self) -> None:
        try:
            handle = _import_handle(self._module_name, self._function_name)
        except BaseException as error:
            number, reason = _number(), _reason(error)
            # Python lets names be of anything.
            reason = reason if reason.isprintable() else ascii(reason)
            logger.exception("the handler cannot be loaded: %s", number)
            self.refuse(
                f"the handler cannot be loaded: {reason}; the agent's log has the traceback, "
                f"under {number}"
            )
        else:
            self._problem = None
            self._loading.set_result(handle)

    async def _call(self, handle: Handle, inputs: dict[str, Any]) -> bytes:
        if inspect.iscoroutinefunction(handle) or inspect.iscoroutinefunction(
            getattr(handle, "__call__", None)  # noqa: B004 - an object with an async __call__
        ):
            return self._as_json(await handle(inputs))
        # With the context, in which the log finds the id of the request.
        context = contextvars.copy_context()
        call = self._threads.submit(context.run, self._call_in_thread, handle, inputs)
        result = await _to_its_end(asyncio.wrap_future(call))
        return result if isinstance(result, bytes) else self._as_json(await result)

    def _call_in_thread(self, handle: Handle, inputs: dict[str, Any]) -> bytes | Awaitable[Any]:
        try:
            result = handle(inputs)
        except StopIteration as error:
            # No future takes a StopIteration: the request would never be answered.
            raise RuntimeError(f"{self._name} raised StopIteration") from error
        return result if inspect.isawaitable(result) else self._as_json(result)

    def _as_json(self, result: Any) -> bytes:
        if not isinstance(result, dict):
            raise HandlerFailed(f"{self._name} must return a dict, not {type(result).__name__}")
        try:
            return result_json(result, self._outputs)
        except ContractBroken as error:
            logger.error("%s broke its contract: %s", self._name, error)  # noqa: TRY400 - no traceback
            raise HandlerFailed(
                f"the answer of {self._name} is not as declared: {error}"
            ) from error
        except Exception as error:
            raise self._failed(f"the answer of {self._name} is no JSON", error) from error

    def _refusal(self, error: HTTPException) -> Exception:
        try:
            return sendable(error)
        except Exception as problem:
            return self._failed(f"{self._name} raised what cannot be answered", problem)

    def _told(self, error: BaseException) -> HandlerFailed:
        return self._failed(f"{self._name} raised {type(error).__name__}", error)

    def _failed(self, what: str, error: BaseException) -> HandlerFailed:
        number = _number()
        logger.error("%s failed in run %s", self._name, number, exc_info=error)
        return HandlerFailed(f"{what}; the agent's log has the traceback, under run {number}")


class _NoSuchFunction(TypeError):
    pass


def _import_handle(module_name: str, function_name: str) -> Handle:
    handle = getattr(importlib.import_module(module_name), function_name, None)
    if not callable(handle):
        raise _NoSuchFunction(f"{module_name}.py defines no function {function_name}(inputs)")
    return cast("Handle", handle)


def _reason(error: BaseException) -> str:
    """Return what anybody may know: the names in it are of code. A message may be of anything."""
    kind = type(error).__name__
    if isinstance(error, _NoSuchFunction):
        return str(error)
    if isinstance(error, ImportError) and error.name:
        return f"{kind}: {error.name}"
    if isinstance(error, SyntaxError) and error.filename:
        return f"{kind}: {Path(error.filename).name}, line {error.lineno}"
    return kind


def _number() -> str:
    return uuid.uuid4().hex[:12]


async def _to_its_end(call: "asyncio.Future[Any]") -> Any:
    """Wait for the thread even when cancelled: as long as it works, its place is taken."""
    cancelled = False
    while not call.done():
        try:
            await asyncio.wait([call])
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        call.exception()  # so that nobody misses that it was never looked at
        raise asyncio.CancelledError
    return call.result()


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
