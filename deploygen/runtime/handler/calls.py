"""Calls functions, and reads generators, in a thread unless they are asynchronous."""

import asyncio
import contextvars
import inspect
from collections.abc import AsyncIterable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from .context import Context
from .loading import Handler
from .pieces import Piece, Stream
from .whole import Results


@dataclass(frozen=True)
class _Encoded:
    json: bytes


@dataclass(frozen=True)
class _Outlet:
    stream: Stream
    loop: asyncio.AbstractEventLoop

    def put(self, piece: Piece) -> None:
        if not self.stream.put(piece):
            asyncio.run_coroutine_threadsafe(self.stream.room(), self.loop).result()
        _check_open(self.stream)


class Calls:
    def __init__(self, name: str, results: Results, threads: int) -> None:
        self._name = name
        self._results = results
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="handler")

    async def call(
        self, handler: Handler, inputs: dict[str, Any], context: Context, stream: Stream
    ) -> bytes:
        """Return JSON. Raises HandlerFailed, and what the function raises.

        Waits for the function's end, even if cancelled.
        """
        if handler.is_asynchronous:
            result = handler(inputs, context)
        else:
            result = await self._in_thread(stream, self._call_here, handler, inputs, context)
        while inspect.isawaitable(result):
            result = await result
        if isinstance(result, _Encoded):
            return result.json
        if isinstance(result, AsyncIterable):
            return await self._read(result, stream)
        if isinstance(result, Iterator):
            encoded: _Encoded = await self._in_thread(stream, self._read_here, result)
            return encoded.json
        return self._results.result(result)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(
        self, stream: Stream, function: Callable[..., Any], *arguments: Any
    ) -> Any:
        outlet = _Outlet(stream, asyncio.get_running_loop())
        context = contextvars.copy_context()
        call = self._threads.submit(context.run, function, outlet, *arguments)
        return await _to_its_end(asyncio.wrap_future(call), stream)

    def _call_here(
        self, outlet: _Outlet, handler: Handler, inputs: dict[str, Any], context: Context
    ) -> Any:
        try:
            result = handler(inputs, context)
        except StopIteration as error:
            # A future cannot hold it: there would be no response.
            raise RuntimeError(f"{self._name} raised StopIteration") from error
        if inspect.isawaitable(result) or isinstance(result, AsyncIterable):
            return result
        if isinstance(result, Iterator):
            return self._read_here(outlet, result)
        return _Encoded(self._results.result(result))

    def _read_here(self, outlet: _Outlet, values: Iterator[Any]) -> _Encoded:
        last = returned = None
        try:
            while True:
                try:
                    value = next(values)
                except StopIteration as end:
                    returned = end.value
                    break
                piece = self._results.piece(value, outlet.stream.size)
                if not piece.is_empty:
                    outlet.put(piece)
                    last = piece
        finally:
            # Not all iterators have it.
            getattr(values, "close", lambda: None)()
        return _Encoded(self._results.whole(outlet.stream.text(), last, returned))

    async def _read(self, values: AsyncIterable[Any], stream: Stream) -> bytes:
        last = None
        iterator = aiter(values)
        try:
            async for value in iterator:
                piece = self._results.piece(value, stream.size)
                if not piece.is_empty:
                    last = piece
                    if not stream.put(piece):
                        await stream.room()
                # A generator that never waits must not block the loop.
                await asyncio.sleep(0)
                _check_open(stream)
        finally:
            if aclose := getattr(iterator, "aclose", None):
                await aclose()
        return self._results.whole(stream.text(), last)


def _check_open(stream: Stream) -> None:
    if stream.closed:
        raise asyncio.CancelledError


async def _to_its_end(call: "asyncio.Future[Any]", stream: Stream) -> Any:
    """A thread keeps its place until it ends, even if cancelled."""
    cancelled = False
    while not call.done():
        try:
            await asyncio.wait([call])
        except asyncio.CancelledError:
            cancelled = True
            stream.close()
    if cancelled:
        call.exception()  # or asyncio would log it
        raise asyncio.CancelledError
    return call.result()
