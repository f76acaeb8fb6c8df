"""Loads the developer's handler.py and calls its ``handle``."""

import asyncio
import importlib
import inspect
import json
import logging
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, cast

from fastapi import HTTPException
from starlette.concurrency import run_in_threadpool

logger = logging.getLogger("agent.handler")

Handle = Callable[[dict[str, Any]], Any]
# Seconds that a request waits for a handler that is still being imported.
LOADING_PATIENCE_SECONDS = 5.0


class HandlerUnavailable(Exception):
    """There is no handler to call; the message says why."""


class HandlerFailed(Exception):
    """The handler raised or answered nonsense; the message is fit for the caller."""


class HandlerRunner:
    """Imports ``handler`` in a thread of its own: models may take minutes to load, and until
    then the agent shall answer its health checks."""

    def __init__(self, module_name: str = "handler") -> None:
        self.running = 0  # calls that have not ended; counted on the server's loop alone
        self._module_name = module_name
        self._problem: str | None = "the handler is being loaded"
        self._loading: Future[Handle] = Future()

    def start_loading(self) -> None:
        # A daemon, so that a process that was told to stop need not wait for the import.
        threading.Thread(target=self._load, name="load-handler", daemon=True).start()

    def is_loading(self) -> bool:
        return not self._loading.done()

    def problem(self) -> str | None:
        """Why ``run`` cannot work; None when it can."""
        return self._problem

    async def run(self, inputs: dict[str, Any]) -> bytes:
        """Call the handler; returns its answer as JSON text.

        Raises HandlerUnavailable, HandlerFailed, and the HTTPException of a handler that refuses
        its inputs. Exceptions of the handler end up in the log, not with the caller: their
        messages may hold what is none of the caller's business.
        """
        self.running += 1
        try:
            return await self._run(inputs)
        finally:
            self.running -= 1

    async def _run(self, inputs: dict[str, Any]) -> bytes:
        handle = await self._loaded_handle()
        try:
            result = await _call(handle, inputs)
        except HTTPException:
            raise
        except (Exception, SystemExit) as error:
            run_id = uuid.uuid4().hex[:12]
            logger.exception("handle() failed in run %s", run_id)
            raise HandlerFailed(
                f"handle() raised {type(error).__name__}; the agent's log has the traceback, "
                f"under run {run_id}"
            ) from error
        return _as_json(result)

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
            handle = _import_handle(self._module_name)
        except (Exception, SystemExit) as error:
            logger.exception("the handler cannot be loaded")
            self._problem = f"the handler cannot be loaded: {type(error).__name__}: {error}"
            self._loading.cancel()
        else:
            self._problem = None
            self._loading.set_result(handle)


def _import_handle(module_name: str) -> Handle:
    handle = getattr(importlib.import_module(module_name), "handle", None)
    if not callable(handle):
        raise TypeError(f"{module_name}.py defines no function handle(inputs)")
    return cast("Handle", handle)


async def _call(handle: Handle, inputs: dict[str, Any]) -> Any:
    if inspect.iscoroutinefunction(handle) or inspect.iscoroutinefunction(
        getattr(handle, "__call__", None)  # noqa: B004 - an object with an async __call__
    ):
        return await handle(inputs)
    result = await run_in_threadpool(handle, inputs)
    return await result if inspect.isawaitable(result) else result


def _as_json(result: Any) -> bytes:
    if not isinstance(result, dict):
        raise HandlerFailed(f"handle() must return a dict, not {type(result).__name__}")
    try:
        return json.dumps(result, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        logger.exception("the answer of handle() is no JSON")
        raise HandlerFailed(f"the answer of handle() is no JSON: {error}") from error
