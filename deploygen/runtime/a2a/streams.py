"""The events of a task (A2A 1.0, sections 3.1.2 and 3.1.6), with what its handler yields."""

import json
from collections.abc import AsyncGenerator

from ..handler.context import Progress
from ..handler.pieces import Piece
from ..jobs import Job
from .tasks import artifact_of, object_of, result_parts, status_of, task_of
from .wire import Wire

# Ends an artifact whose text has been sent.
NO_MORE = b'""'


class TaskStream:
    """Follows a job that runs, from its creation on, until `leave` is called."""

    def __init__(self, job: Job, wire: Wire, history_length: int | None = None) -> None:
        self._job = job
        self._wire = wire
        self._updates = job.stream.follow()
        self._shows_text = job.output != "data"
        self._shows_objects = job.output != "text"
        text = self._updates.before
        self._texts = [text] if self._shows_text and text else []
        self._has_objects = False
        self._held: list[bytes] = []
        before = [self._joined()] if self._texts else None
        self._task = task_of(job, wire, history_length=history_length, before=before)

    def leave(self) -> None:
        self._job.stream.leave(self._updates)

    async def events(self) -> AsyncGenerator[bytes]:
        """The task, chunks of its artifact, and its last state: results of JSON-RPC."""
        yield self._wire.streamed("task", self._task)
        async for update in self._updates:
            if isinstance(update, Progress):
                yield self._wire.streamed("statusUpdate", self._status(update))
                continue
            appends = bool(self._texts) or self._has_objects
            if parts := self._parts(update):
                yield self._chunk(parts, appends=appends)
        if self._job.state == "done":
            yield self._last_chunk()
        yield self._wire.streamed("statusUpdate", self._status())

    def _parts(self, piece: Piece) -> list[bytes]:
        """Return what is to be sent now. An object waits: the last piece is the result."""
        parts, self._held = self._held, []
        self._has_objects = self._has_objects or bool(parts)
        if piece.text is None:
            self._held = [self._wire.part("data", piece.json)] if self._shows_objects else []
        elif self._shows_text and not piece.is_empty:
            self._texts.append(piece.text)
            parts.append(self._wire.part("text", piece.json))
        return parts

    def _last_chunk(self) -> bytes:
        """Complete the artifact, or replace it where it is not part of the result."""
        parts = result_parts(self._job, self._wire)
        if self._texts and not self._has_objects:
            if len(parts) > 1:
                return self._chunk(parts[1:], appends=True, is_last=True)
            if parts == [self._joined()]:
                end = self._wire.part("text", NO_MORE)
                return self._chunk([end], appends=True, is_last=True)
        return self._chunk(parts, appends=False, is_last=True)

    def _joined(self) -> bytes:
        text = json.dumps("".join(self._texts), ensure_ascii=False)
        return self._wire.part("text", text.encode())

    def _chunk(self, parts: list[bytes], *, appends: bool, is_last: bool = False) -> bytes:
        about = {**self._ids(), "append": appends, "lastChunk": is_last}
        event = self._wire.labelled("artifact-update", about)
        artifact = artifact_of(self._job, parts)
        return self._wire.streamed("artifactUpdate", object_of(event, {"artifact": artifact}))

    def _status(self, progress: Progress | None = None) -> bytes:
        """The last one, unless it is for `progress`."""
        end = dict.fromkeys(self._wire.end, progress is None)
        event = self._wire.labelled("status-update", {**self._ids(), **end})
        return object_of(event, {"status": status_of(self._job, self._wire, progress)})

    def _ids(self) -> dict[str, str]:
        return {"taskId": self._job.id, "contextId": self._job.context_id}
