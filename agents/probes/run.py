"""Probes the agents that are due, many at once, for some seconds."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ALL_COMPLETED, Future, wait
from contextlib import contextmanager

from django.conf import settings

from agents.outbound.client import Limits, OutboundClient
from agents.outbound.networks import Networks
from agents.probes.call import BODY_BYTES, call
from agents.probes.own import own_endpoints
from agents.probes.record import record
from agents.probes.result import Result, Target
from agents.probes.schedule import claim
from agents.probes.survey import survey

logger = logging.getLogger(__name__)

AT_ONCE = 100
PAUSE_SECONDS = 0.2

Calls = dict["Future[Result]", Target]


def run_probes(seconds: float) -> int:
    """Return how many agents were probed. Waits for calls that have begun."""
    survey()
    until = time.monotonic() + seconds
    total, is_all = 0, False
    calls: Calls = {}
    with _caller() as begin:
        while calls or not is_all:
            targets, is_all = ([], True) if is_all else claim(AT_ONCE - len(calls))
            total += len(targets)
            calls |= {begin(target): target for target in targets}
            is_all = is_all or time.monotonic() >= until
            if calls:
                done, _ = wait(calls, PAUSE_SECONDS, ALL_COMPLETED)
                record([(calls[one], result) for one in done if (result := _result(one))])
                calls = {one: target for one, target in calls.items() if one not in done}
            elif not is_all:
                time.sleep(PAUSE_SECONDS)
    return total


def _result(done: "Future[Result]") -> Result | None:
    try:
        return done.result()
    except Exception:  # a bug here says nothing about the agent
        logger.exception("an agent could not be probed")
        return None


async def _end(client: OutboundClient) -> None:
    calls = asyncio.all_tasks() - {asyncio.current_task()}
    for one in calls:
        one.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await client.aclose()


@contextmanager
def _caller() -> Iterator[Callable[[Target], "Future[Result]"]]:
    """Yield a function that begins a call, in one thread for all of them."""
    client = OutboundClient(
        settings.PROBE_NETWORKS or Networks(),
        Limits(settings.PROBE_TIMEOUT_SECONDS, BODY_BYTES),
        connections=AT_ONCE,
        own=own_endpoints(),
    )
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="probes", daemon=True)
    thread.start()
    try:
        yield lambda target: asyncio.run_coroutine_threadsafe(call(client, target), loop)
    finally:
        asyncio.run_coroutine_threadsafe(_end(client), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
