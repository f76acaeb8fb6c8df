"""A2A 1.0, sections 3.1.2 and 3.1.6."""

from collections.abc import AsyncGenerator

from ..handler.context import Progress
from ..handler.pieces import Piece
from ..jobs import Job
from .tasks import (
    artifact_of,
    object_of,
    result_parts,
    shows_objects,
    shows_text,
    status_of,
    task_of,
    yielded_parts,
)
from .wire import Wire


class TaskStream:
    def __init__(self, job: Job, wire: Wire, history_length: int | None = None) -> None:
        self._job = job
        self._wire = wire
        self._updates = job.stream.follow()
        before = self._updates.before
        self._task = task_of(job, wire, history_length=history_length, yielded=before)
        self._has_begun = bool(yielded_parts(job, wire, before))

    def leave(self) -> None:
        self._job.stream.leave(self._updates)

    async def events(self) -> AsyncGenerator[bytes]:
        """Yield the task, chunks of its artifact, and its last state."""
        yield self._wire.streamed("task", self._task)
        async for update in self._updates:
            if isinstance(update, Progress):
                yield self._wire.streamed("statusUpdate", self._status(update))
                continue
            if part := self._part(update):
                yield self._chunk([part], appends=self._has_begun)
                self._has_begun = True
        if self._job.state == "done":
            # The whole result, for clients that did not join the chunks.
            parts = result_parts(self._job, self._wire)
            yield self._chunk(parts, appends=False, is_last=True)
        yield self._wire.streamed("statusUpdate", self._status())

    def _part(self, piece: Piece) -> bytes | None:
        if piece.text is None:
            return self._wire.part("data", piece.json) if shows_objects(self._job) else None
        if piece.is_empty or not shows_text(self._job):
            return None
        return self._wire.part("text", piece.json)

    def _chunk(self, parts: list[bytes], *, appends: bool, is_last: bool = False) -> bytes:
        about = {**self._ids(), "append": appends, "lastChunk": is_last}
        event = self._wire.labelled("artifact-update", about)
        artifact = artifact_of(self._job, parts)
        return self._wire.streamed("artifactUpdate", object_of(event, {"artifact": artifact}))

    def _status(self, progress: Progress | None = None) -> bytes:
        end = dict.fromkeys(self._wire.end, progress is None)
        event = self._wire.labelled("status-update", {**self._ids(), **end})
        return object_of(event, {"status": status_of(self._job, self._wire, progress)})

    def _ids(self) -> dict[str, str]:
        return {"taskId": self._job.id, "contextId": self._job.context_id}
