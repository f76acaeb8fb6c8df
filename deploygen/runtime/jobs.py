import asyncio
import contextlib
import json
import logging
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import HTTPException

from .captured import end_lines
from .handler.context import Context, Progress
from .handler.failures import HandlerFailed
from .handler.pieces import Stream
from .handler.runner import HandlerRunner
from .http.calls import current_call
from .metrics import RunMetrics
from .spans import in_span

logger = logging.getLogger("agent.jobs")

State = Literal["running", "done", "failed", "cancelled"]
# For A2A. "data or text" is text while the job runs.
Output = Literal["data", "text", "text and data", "data or text"]
REMEMBERED_SECONDS = 3600.0
MOST_REMEMBERED = 1000
MOST_REMEMBERED_BYTES = 32 * 1024 * 1024
# Characters.
LONGEST_PROBLEM = 2000


class TooManyJobs(Exception):
    pass


class Job:
    def __init__(self) -> None:
        self.id = uuid.uuid4().hex
        self.state: State = "running"
        self.result = b""  # JSON
        # Until the job is remembered, then `problem`.
        self.error: Exception | None = None
        self.problem = ""
        self.since = datetime.now(UTC)  # the state's start
        self.began = 0.0
        self.ended = asyncio.Event()
        self.stream = Stream()
        self.progress: Progress | None = None
        # For A2A.
        self.context_id = self.id
        self.output: Output = "data or text"
        self.message = b""  # JSON

    def report(self, progress: Progress) -> None:
        """For any thread."""
        if self.state == "running":
            self.progress = progress
            self.stream.report(progress)

    def size(self) -> int:
        texts = sys.getsizeof(self.problem) + sys.getsizeof(self.context_id)
        return len(self.result) + len(self.message) + texts


class Jobs:
    """For one event loop; any thread may read `running`."""

    def __init__(
        self, runner: HandlerRunner, max_jobs: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._runner = runner
        self._max_jobs = max_jobs
        self._clock = clock
        self._known: dict[str, Job] = {}
        # Until the handler's call ends, which may be after the job.
        self._tasks: dict[asyncio.Task[None], Job] = {}
        self._ended: dict[str, float] = {}  # when, the oldest first
        self._bytes = 0
        self.metrics = RunMetrics()

    @property
    def running(self) -> int:
        return len(self._tasks)

    def start(self, inputs: dict[str, Any], context_id: str = "") -> Job:
        """Raises TooManyJobs. The job cannot be found until it is remembered.

        `context_id`: A2A's.
        """
        if len(self._tasks) >= self._max_jobs:
            raise TooManyJobs(f"the limit of running jobs is reached: {self._max_jobs}")
        job = Job()
        job.began = self._clock()
        job.context_id = context_id or job.id
        call = current_call.get() or Context()
        context = replace(call, run_id=job.id, context_id=job.context_id, report=job.report)
        work = in_span(lambda: self._work(job, inputs, context), job.id, lambda: job.state)
        task = asyncio.create_task(work, name=f"job {job.id}")
        self._tasks[task] = job
        task.add_done_callback(self._tasks.pop)
        return job

    async def wait(self, job: Job, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await job.ended.wait()
        return job.ended.is_set()

    def remember(self, job: Job) -> None:
        self._known[job.id] = job
        if job.ended.is_set():
            self._note_end(job)

    def find(self, job_id: str) -> Job | None:
        self._forget_old()
        return self._known.get(job_id)

    def in_context(self, context_id: str) -> list[Job]:
        self._forget_old()
        return [job for job in self._known.values() if job.context_id == context_id]

    def cancel(self, job: Job) -> None:
        """A thread goes on, and keeps its place."""
        self._end(job, "cancelled")
        for task, its_job in self._tasks.items():
            if its_job is job:
                task.cancel()

    async def cancel_all(self, seconds: float) -> None:
        tasks = list(self._tasks)
        for job in list(self._tasks.values()):
            self.cancel(job)
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    async def _work(self, job: Job, inputs: dict[str, Any], context: Context) -> None:
        try:
            job_result = await self._runner.run(inputs, context, job.stream)
        except asyncio.CancelledError:
            self._end(job, "cancelled")
        except Exception as error:
            # Frames would keep the handler's variables alive.
            error.__cause__ = error.__context__ = None
            self._end(job, "failed", error=error.with_traceback(None))
        else:
            self._end(job, "done", job_result)
        finally:
            end_lines()
            # Otherwise it would never be forgotten.
            self._end(job, "failed", error=HandlerFailed("the run was interrupted"))

    def _end(
        self, job: Job, state: State, result: bytes = b"", error: Exception | None = None
    ) -> None:
        if job.state != "running":
            return
        job.state, job.result, job.error, job.since = state, result, error, datetime.now(UTC)
        self.metrics.note_end(state, self._clock() - job.began)
        job.ended.set()
        job.stream.close()
        if job.id in self._known:
            self._note_end(job)

    def _note_end(self, job: Job) -> None:
        if job.error is not None:
            job.problem, job.error = _text(job.error)[:LONGEST_PROBLEM], None
        self._ended[job.id] = self._clock()
        self._bytes += job.size()
        self._forget_old()

    def _forget_old(self) -> None:
        oldest = self._clock() - REMEMBERED_SECONDS
        for job_id, ended in list(self._ended.items()):
            too_many = len(self._ended) > MOST_REMEMBERED or (
                self._bytes > MOST_REMEMBERED_BYTES and len(self._ended) > 1
            )
            if not too_many and ended > oldest:
                break
            del self._ended[job_id]
            self._bytes -= self._known.pop(job_id).size()


def _text(error: Exception) -> str:
    detail = error.detail if isinstance(error, HTTPException) else str(error)
    return detail if isinstance(detail, str) else json.dumps(detail)
