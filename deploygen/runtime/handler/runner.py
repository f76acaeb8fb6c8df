import asyncio
import logging
from http import HTTPStatus
from typing import Any

from fastapi import HTTPException

from ..config import LARGEST_RESULT_BYTES
from ..problems import Problem
from .calls import Calls
from .context import Context
from .contract import Contract
from .failures import HandlerFailed, HandlerUnavailable, logged_failure
from .loading import Handler, HandlerLoader
from .pieces import Stream
from .results import sendable
from .whole import Results

logger = logging.getLogger("agent.handler")

LOADING_PATIENCE_SECONDS = 5.0


class HandlerRunner:
    def __init__(
        self,
        handler: str = "handler:handle",
        *,
        outputs: Contract | None = None,
        threads: int = 16,
        max_result_bytes: int = LARGEST_RESULT_BYTES,
    ) -> None:
        """`handler`: module:function; a `def` runs in one of the `threads`."""
        self._name = f"{handler.partition(':')[2]}()"
        results = Results(self._name, outputs, max_result_bytes)
        self._calls = Calls(self._name, results, threads)
        self._loader = HandlerLoader(handler)

    def start_loading(self) -> None:
        self._loader.start()

    def refuse(self, problem: Problem) -> None:
        self._loader.refuse(problem)

    def is_loading(self) -> bool:
        return not self._loader.loaded.done()

    def problem(self) -> Problem | None:
        return self._loader.problem

    async def run(
        self, inputs: dict[str, Any], context: Context | None = None, stream: Stream | None = None
    ) -> bytes:
        """Return JSON; pieces go to the `stream`. Waits for the handler's end, even if cancelled.

        Raises HandlerUnavailable, HandlerFailed, and the handler's HTTPException. Other exceptions,
        which may hold secrets, are logged.
        """
        handler = await self._loaded()
        try:
            return await self._calls.call(handler, inputs, context or Context(), stream or Stream())
        except HandlerFailed:
            raise
        except HTTPException as error:
            raise self._refusal(error) from error
        except asyncio.CancelledError as error:
            if _is_being_cancelled():
                raise
            raise self._raised(error) from error  # a task of the handler was cancelled
        except BaseException as error:
            # No SystemExit or Rust panic may end the agent.
            raise self._raised(error) from error

    def close(self) -> None:
        self._calls.close()

    async def _loaded(self) -> Handler:
        if self.is_loading():
            loaded = asyncio.wrap_future(self._loader.loaded)
            await asyncio.wait([loaded], timeout=LOADING_PATIENCE_SECONDS)
        if self._loader.problem is not None:
            raise HandlerUnavailable(self._loader.problem.general)
        return self._loader.loaded.result()

    def _refusal(self, error: HTTPException) -> Exception:
        try:
            refusal = sendable(error)
        except Exception as problem:
            return logged_failure(self._name, f"{self._name} raised what cannot be sent", problem)
        if refusal.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.error(
                "%s raised HTTPException %s", self._name, error.status_code, exc_info=error
            )
        return refusal

    def _raised(self, error: BaseException) -> HandlerFailed:
        return logged_failure(self._name, f"{self._name} raised {type(error).__name__}", error)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
