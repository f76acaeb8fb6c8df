import asyncio
import gc
import json
import logging
import sys
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploygen.runtime import jobs as agent_jobs
from deploygen.runtime.handler import pieces as handler_pieces
from deploygen.runtime.handler.context import Context, Progress
from deploygen.runtime.handler.failures import HandlerFailed
from deploygen.runtime.handler.pieces import MOST_WAITING, Piece, Reader, Stream, Yielded
from deploygen.runtime.handler.runner import HandlerRunner
from deploygen.runtime.jobs import Job, Jobs, TooManyJobs
from tests.processes import wait_in_loop, wait_until

MODULE = "handler_of_a_test_of_jobs"
ECHO = "async def handle(inputs): return inputs"
WAITS = """
import asyncio
cancelled = []
async def handle(inputs):
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        cancelled.append(1)
        raise
"""
WORKS_IN_A_THREAD = """
import threading
go = threading.Event()
def handle(inputs):
    go.wait(60)
    return {}
"""


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _forget_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop(MODULE, None)


def jobs_of(folder: Path, source: str, max_jobs: int = 2, clock: Clock | None = None) -> Jobs:
    (folder / f"{MODULE}.py").write_text(source)
    runner = HandlerRunner(f"{MODULE}:handle", threads=max_jobs)
    runner.start_loading()
    wait_until(lambda: not runner.is_loading(), "the handler")
    return Jobs(runner, max_jobs, clock or Clock())


def begun(jobs: Jobs, inputs: dict[str, Any]) -> Job:
    job = jobs.start(inputs)
    jobs.remember(job)
    return job


async def ended(jobs: Jobs, job: Job) -> Job:
    assert await jobs.wait(job, 30)
    return job


def test_a_job_ends_with_its_result_and_is_remembered(tmp_path: Path) -> None:
    async def scenario() -> None:
        jobs = jobs_of(tmp_path, ECHO)
        job = begun(jobs, {"a": 1})
        assert job.state == "running"
        await ended(jobs, job)
        assert (job.state, job.result) == ("done", b'{"a": 1}')
        assert jobs.find(job.id) is job
        assert jobs.find("another") is None

    asyncio.run(scenario())


def test_the_number_of_running_jobs_is_limited(tmp_path: Path) -> None:
    async def scenario() -> None:
        jobs = jobs_of(tmp_path, WAITS)
        first, second = begun(jobs, {}), begun(jobs, {})
        with pytest.raises(TooManyJobs, match="limit of running jobs is reached: 2"):
            begun(jobs, {})
        jobs.cancel(first)
        await wait_in_loop(lambda: jobs.running == 1, "the end of the first")
        third = begun(jobs, {})
        assert (second.state, third.state) == ("running", "running")
        await jobs.cancel_all(30)

    asyncio.run(scenario())


def test_cancelling_a_job_cancels_its_coroutine(tmp_path: Path) -> None:
    async def scenario() -> None:
        jobs = jobs_of(tmp_path, WAITS)
        job = begun(jobs, {})
        assert not await jobs.wait(job, 0.01)
        jobs.cancel(job)
        assert job.state == "cancelled"
        await wait_in_loop(lambda: not jobs.running, "its end")
        assert sys.modules[MODULE].cancelled == [1]

    asyncio.run(scenario())


def test_a_cancelled_thread_still_counts_until_it_ends_and_its_result_is_dropped(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        jobs = jobs_of(tmp_path, WORKS_IN_A_THREAD, max_jobs=1)
        job = begun(jobs, {})
        assert not await jobs.wait(job, 0.01)
        jobs.cancel(job)
        await ended(jobs, job)
        for _ in range(10):  # time in which it could have ended
            await asyncio.sleep(0)
        with pytest.raises(TooManyJobs):
            begun(jobs, {})
        sys.modules[MODULE].go.set()
        await wait_in_loop(lambda: not jobs.running, "the thread")
        assert (job.state, job.result) == ("cancelled", b"")
        assert (await ended(jobs, begun(jobs, {}))).state == "done"

    asyncio.run(scenario())


class Large:
    """An object to which weak references are possible."""


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_failed_job_keeps_no_reference_to_the_handlers_objects(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    caplog.set_level(logging.CRITICAL, "agent.handler")  # whose records pytest would keep
    source = f"{kind} handle(inputs):\n    large = inputs['large']\n    raise ValueError('no')"

    async def scenario() -> None:
        jobs = jobs_of(tmp_path, source)
        large = Large()
        reference = weakref.ref(large)
        job = await ended(jobs, jobs.start({"large": large}))
        del large
        await wait_in_loop(lambda: not jobs.running, "its end")
        gc.collect()
        error = job.error
        assert isinstance(error, HandlerFailed)
        assert reference() is None
        jobs.remember(job)
        assert job.error is not error
        assert job.problem.startswith("handle() raised ValueError")

    asyncio.run(scenario())


def test_a_cancellation_inside_the_handler_is_a_failure(tmp_path: Path) -> None:
    source = """
import asyncio
async def handle(inputs):
    inner = asyncio.ensure_future(asyncio.sleep(60))
    inner.cancel()
    await inner
"""

    async def scenario() -> None:
        jobs = jobs_of(tmp_path, source)
        job = await ended(jobs, begun(jobs, {}))
        assert job.state == "failed"
        assert job.problem.startswith("handle() raised CancelledError")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "raised", ["BaseException", "KeyboardInterrupt", "SystemExit", "GeneratorExit"]
)
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_any_exception_of_a_handler_ends_only_its_job(
    tmp_path: Path, kind: str, raised: str
) -> None:
    async def scenario() -> None:
        jobs = jobs_of(tmp_path, f"{kind} handle(inputs): raise {raised}", max_jobs=1)
        for _ in range(2):
            job = await ended(jobs, begun(jobs, {}))
            assert job.state == "failed"
            assert job.problem.startswith(f"handle() raised {raised}")
            await wait_in_loop(lambda: not jobs.running, "its end")

    asyncio.run(scenario())


class Broken(HandlerRunner):
    async def run(
        self,
        inputs: dict[str, Any],
        context: Context | None = None,  # noqa: ARG002
        stream: Stream | None = None,  # noqa: ARG002
    ) -> bytes:
        raise BaseException(inputs)  # noqa: TRY002 - an unexpected one


def test_a_bug_in_the_runner_ends_the_job_as_failed() -> None:
    async def scenario() -> None:
        jobs = Jobs(Broken(), 1)
        job = begun(jobs, {})
        [task] = jobs._tasks
        assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], BaseException)
        assert (job.state, job.problem) == ("failed", "the run was interrupted")

    asyncio.run(scenario())


def test_the_text_of_a_failure_is_truncated_and_counts_towards_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_jobs, "MOST_REMEMBERED_BYTES", 5 * agent_jobs.LONGEST_PROBLEM // 2)
    source = """
from fastapi import HTTPException
async def handle(inputs): raise HTTPException(422, inputs["detail"])
"""

    async def scenario() -> None:
        jobs = jobs_of(tmp_path, source)
        details: list[Any] = ["x" * 100_000, ["x" * 100_000], "x" * 100_000]
        known = [await ended(jobs, begun(jobs, {"detail": each})) for each in details]
        assert [len(job.problem) for job in known] == [agent_jobs.LONGEST_PROBLEM] * 3
        assert [jobs.find(job.id) for job in known] == [None, *known[1:]]

    asyncio.run(scenario())


def test_the_oldest_job_is_forgotten_when_there_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_jobs, "MOST_REMEMBERED", 2)

    async def scenario() -> None:
        jobs = jobs_of(tmp_path, ECHO)
        known = [await ended(jobs, begun(jobs, {})) for _ in range(3)]
        assert [jobs.find(job.id) for job in known] == [None, known[1], known[2]]

    asyncio.run(scenario())


def test_the_oldest_jobs_are_forgotten_when_results_are_too_large_but_never_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_jobs, "MOST_REMEMBERED_BYTES", 1000)

    async def scenario() -> None:
        jobs = jobs_of(tmp_path, ECHO)
        known = [await ended(jobs, begun(jobs, {"a": "x" * size})) for size in (500, 500, 500)]
        assert [jobs.find(job.id) for job in known] == [None, None, known[2]]
        large = await ended(jobs, begun(jobs, {"a": "x" * 5000}))
        assert [jobs.find(job.id) for job in (known[2], large)] == [None, large]
        small = [await ended(jobs, begun(jobs, {})) for _ in range(2)]
        assert [jobs.find(job.id) for job in (large, *small)] == [None, *small]

    asyncio.run(scenario())


def test_an_old_result_is_forgotten_but_a_running_job_is_not(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        clock = Clock()
        jobs = jobs_of(tmp_path, WAITS, clock=clock)
        running, cancelled = begun(jobs, {}), begun(jobs, {})
        jobs.cancel(cancelled)
        clock.now = agent_jobs.REMEMBERED_SECONDS - 1
        assert jobs.find(cancelled.id) is cancelled
        clock.now = agent_jobs.REMEMBERED_SECONDS
        assert jobs.find(cancelled.id) is None
        assert jobs.find(running.id) is running
        await jobs.cancel_all(30)

    asyncio.run(scenario())


def test_a_job_counts_towards_the_limit_only_once_it_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_jobs, "MOST_REMEMBERED", 1)

    async def scenario() -> None:
        jobs = jobs_of(tmp_path, ECHO)
        known = await ended(jobs, begun(jobs, {}))
        other = await ended(jobs, jobs.start({}))
        assert [jobs.find(job.id) for job in (known, other)] == [known, None]
        jobs.remember(other)
        assert [jobs.find(job.id) for job in (known, other)] == [None, other]

    asyncio.run(scenario())


def test_a_job_that_has_ended_cannot_be_cancelled(tmp_path: Path) -> None:
    async def scenario() -> None:
        jobs = jobs_of(tmp_path, ECHO)
        job = await ended(jobs, begun(jobs, {}))
        jobs.cancel(job)
        assert job.state == "done"

    asyncio.run(scenario())


# --- Following a job --------------------------------------------------------------------------

YIELDS = """
import asyncio
yielded = []
closed = []
{kind} handle(inputs):
    try:
        for number in range(inputs["pieces"]):
            yielded.append(number)
            yield f"{{number}} "
    finally:
        closed.append(1)
"""
OBJECTS = """
import asyncio
async def handle(inputs):
    for number in range(10):
        yield {"n": number}
    await asyncio.sleep(1000)
"""
KINDS = ["def", "async def"]


def joined(numbers: Iterable[int]) -> str:
    return "".join(f"{number} " for number in numbers)


@pytest.mark.parametrize("kind", KINDS)
def test_every_reader_gets_every_piece_of_a_job(tmp_path: Path, kind: str) -> None:
    async def read(pieces: Reader) -> str:
        with pieces:
            return await joined_text(pieces)

    async def scenario() -> None:
        jobs = jobs_of(tmp_path, YIELDS.format(kind=kind))
        job = jobs.start({"pieces": 100})
        readers = [read(job.stream.follow()) for _ in range(3)]
        assert await asyncio.gather(*readers) == [joined(range(100))] * 3
        assert json.loads(job.result) == {"output": joined(range(100))}

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", KINDS)
def test_the_generator_waits_for_the_slowest_reader(tmp_path: Path, kind: str) -> None:
    async def scenario() -> None:
        jobs = jobs_of(tmp_path, YIELDS.format(kind=kind))
        job = jobs.start({"pieces": 100})
        with job.stream.follow() as quick:
            with job.stream.follow() as slow:
                for number in range(MOST_WAITING):
                    assert text_of(await anext(quick)) == f"{number} "
                await settled(sys.modules[MODULE].yielded)
                assert len(sys.modules[MODULE].yielded) == MOST_WAITING
                assert text_of(await anext(slow)) == "0 "
            # The slow one has left.
            left = [piece async for piece in quick]
        assert len(left) == 100 - MOST_WAITING
        assert job.state == "done"

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", KINDS)
def test_a_late_reader_gets_the_text_before_and_each_piece_after(tmp_path: Path, kind: str) -> None:
    async def scenario() -> None:
        jobs = jobs_of(tmp_path, YIELDS.format(kind=kind))
        job = jobs.start({"pieces": 100})
        with job.stream.follow() as first:
            await anext(first)
            with job.stream.follow() as late:
                rest = asyncio.create_task(joined_text(late))
                await joined_text(first)
                assert late.before.text + await rest == joined(range(100))
                assert late.before.text

    asyncio.run(scenario())


def test_of_yielded_objects_the_last_ones_are_kept_within_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler_pieces, "MOST_BYTES_OF_OBJECTS", 20)

    async def scenario() -> None:
        jobs = jobs_of(tmp_path, OBJECTS)
        job = jobs.start({})
        await wait_in_loop(lambda: b'{"n": 9}' in job.stream.yielded().objects, "the last object")
        assert job.stream.yielded().objects == (b'{"n": 8}', b'{"n": 9}')
        jobs.cancel(job)
        assert job.stream.yielded() == Yielded("", ())

    asyncio.run(scenario())


async def joined_text(pieces: Reader) -> str:
    return "".join([text_of(piece) async for piece in pieces])


def text_of(piece: Piece | Progress) -> str:
    assert isinstance(piece, Piece)
    assert piece.text
    return piece.text


async def settled(growing: list[int]) -> None:
    """Return once the list has not grown for a moment."""
    lengths: list[int] = []

    def is_settled() -> bool:
        lengths.append(len(growing))
        return len(lengths) > 10 and len(set(lengths[-10:])) == 1

    await wait_in_loop(is_settled, "the generator to wait")


@pytest.mark.parametrize("kind", KINDS)
def test_cancelling_a_job_closes_its_generator(tmp_path: Path, kind: str) -> None:
    async def scenario() -> None:
        jobs = jobs_of(tmp_path, YIELDS.format(kind=kind))
        job = jobs.start({"pieces": 10**9})
        with job.stream.follow() as pieces:
            await anext(pieces)
            jobs.cancel(job)
            await wait_in_loop(lambda: not jobs.running, "its end")
            assert sys.modules[MODULE].closed == [1]
            assert len([piece async for piece in pieces]) <= MOST_WAITING
        assert job.state == "cancelled"

    asyncio.run(scenario())


def test_a_generator_that_no_reader_follows_never_waits(tmp_path: Path) -> None:
    async def scenario() -> None:
        jobs = jobs_of(tmp_path, YIELDS.format(kind="def"))
        job = await ended(jobs, begun(jobs, {"pieces": 10_000}))
        with job.stream.follow() as late:
            assert [piece async for piece in late] == []
        assert json.loads(job.result) == {"output": joined(range(10_000))}

    asyncio.run(scenario())


def test_an_asynchronous_generator_that_never_waits_can_be_cancelled(tmp_path: Path) -> None:
    async def scenario() -> None:
        jobs = jobs_of(tmp_path, YIELDS.format(kind="async def"))
        job = begun(jobs, {"pieces": 10**9})
        assert not await jobs.wait(job, 0.01)
        jobs.cancel(job)
        await wait_in_loop(lambda: not jobs.running, "its end")
        assert sys.modules[MODULE].closed == [1]

    asyncio.run(scenario())
