"""Calls the author's function, in a thread or on the event loop."""

import asyncio
import contextvars
import inspect
import logging
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi import HTTPException

from .contract import Contract, ContractBroken
from .loading import Function, HandlerLoader, error_number
from .results import result_json, sendable

logger = logging.getLogger("agent.handler")

# For a handler that is still being imported.
LOADING_PATIENCE_SECONDS = 5.0


class HandlerUnavailable(Exception):
    """The message says why."""


class HandlerFailed(Exception):
    """The client may see the message."""


class HandlerRunner:
    def __init__(
        self,
        handler: str = "handler:handle",
        *,
        outputs: Contract | None = None,
        threads: int = 16,
    ) -> None:
        """`handler` is module:function; a `def` is called in one of the `threads`."""
        self._name = f"{handler.partition(':')[2]}()"
        self._outputs = outputs
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="handler")
        self._loader = HandlerLoader(handler)

    def start_loading(self) -> None:
        self._loader.start()

    def refuse(self, problem: str) -> None:
        self._loader.refuse(problem)

    def is_loading(self) -> bool:
        return not self._loader.loaded.done()

    def problem(self) -> str | None:
        """Why `run` cannot work; None if it can."""
        return self._loader.problem

    async def run(self, inputs: dict[str, Any]) -> bytes:
        """Return the handler's result as JSON. When cancelled, ends as soon as the handler does.

        Raises HandlerUnavailable, HandlerFailed, and the handler's HTTPException. Its other
        exceptions go to the log alone, since they may hold secrets.
        """
        function = await self._loaded()
        try:
            return await self._call(function, inputs)
        except HandlerFailed:
            raise
        except HTTPException as error:
            raise self._refusal(error) from error
        except asyncio.CancelledError as error:
            if _is_being_cancelled():
                raise
            raise self._raised(error) from error  # a task of the handler was cancelled
        except BaseException as error:
            # No handler may end the agent, by SystemExit or a panic of Rust.
            raise self._raised(error) from error

    def close(self) -> None:
        """No call may follow."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _loaded(self) -> Function:
        if self.is_loading():
            loaded = asyncio.wrap_future(self._loader.loaded)
            await asyncio.wait([loaded], timeout=LOADING_PATIENCE_SECONDS)
        if self._loader.problem is not None:
            raise HandlerUnavailable(self._loader.problem)
        return self._loader.loaded.result()

    async def _call(self, function: Function, inputs: dict[str, Any]) -> bytes:
        if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004 - an object with an async __call__
        ):
            return self._as_json(await function(inputs))
        # The log finds the request's id in the context.
        context = contextvars.copy_context()
        call = self._threads.submit(context.run, self._call_in_thread, function, inputs)
        result = await _to_its_end(asyncio.wrap_future(call))
        return result if isinstance(result, bytes) else self._as_json(await result)

    def _call_in_thread(self, function: Function, inputs: dict[str, Any]) -> bytes | Awaitable[Any]:
        try:
            result = function(inputs)
        except StopIteration as error:
            # A future cannot hold it: the request would get no response.
            raise RuntimeError(f"{self._name} raised StopIteration") from error
        return result if inspect.isawaitable(result) else self._as_json(result)

    def _as_json(self, result: Any) -> bytes:
        if not isinstance(result, dict):
            raise HandlerFailed(f"{self._name} must return a dict, not {type(result).__name__}")
        try:
            return result_json(result, self._outputs)
        except ContractBroken as error:
            logger.error("%s broke its contract: %s", self._name, error)  # noqa: TRY400 - no traceback
            problem = f"the result of {self._name} is not as declared: {error}"
            raise HandlerFailed(problem) from error
        except Exception as error:
            raise self._failed(f"the result of {self._name} is not JSON", error) from error

    def _refusal(self, error: HTTPException) -> Exception:
        try:
            return sendable(error)
        except Exception as problem:
            return self._failed(f"{self._name} raised what cannot be sent", problem)

    def _raised(self, error: BaseException) -> HandlerFailed:
        return self._failed(f"{self._name} raised {type(error).__name__}", error)

    def _failed(self, what: str, error: BaseException) -> HandlerFailed:
        number = error_number()
        logger.error("%s failed in run %s", self._name, number, exc_info=error)
        return HandlerFailed(f"{what}; the agent's log has the traceback, under run {number}")


async def _to_its_end(call: "asyncio.Future[Any]") -> Any:
    """Wait even when cancelled: a working thread occupies its place."""
    cancelled = False
    while not call.done():
        try:
            await asyncio.wait([call])
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        call.exception()  # or asyncio would log it as never retrieved
        raise asyncio.CancelledError
    return call.result()


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
