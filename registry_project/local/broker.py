"""Celery's broker on one machine: kombu's filesystem transport, with atomic writes.

A worker would crash at each start on a truncated file.
"""

import fcntl
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

logger = logging.getLogger("registry_project.broker")

FOLDER_URL = "filesystem://localhost"
TRANSPORT = "registry_project.local.broker:FolderTransport"

Binding = filesystem.exchange_queue_t
Bindings = list[filesystem.exchange_queue_t]


def folder_broker(folder: Path) -> dict[str, Any]:
    messages, control = folder / "messages", folder / "control"
    for path in (messages, control):
        path.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(messages),
        "data_folder_out": str(messages),
        "control_folder": str(control),
        "store_processed": False,
        "polling_interval": 0.25,
    }


class FolderChannel(filesystem.Channel):
    def _put(  # type: ignore[override]  # takes what the stubs leave out
        self, queue: str, message: Any, **_kwargs: Any
    ) -> None:
        # kombu's _get sorts by name, and finds the queue in it.
        folder = Path(self.data_folder_out)
        name = f"{time.monotonic() * 1000:.0f}_{uuid4()}.{queue}.msg"
        _write_whole(folder / name, dumps(message))

    def _get(self, queue: str, timeout: float | None = None) -> Any:  # noqa: ARG002 - kombu's signature
        while True:
            try:
                payload = super()._get(queue)
            except ValueError as error:
                logger.warning("dropped a message that cannot be read: %s", error)
                continue
            if isinstance(payload, dict) and {"body", "headers", "properties"} <= payload.keys():
                return payload
            logger.warning("dropped a file that is not a message")

    def _file(self, exchange: str) -> Path:
        file: Path = self._exchange_file(exchange)  # type: ignore[attr-defined]  # not in its stubs
        return file

    def get_table(self, exchange: str) -> Bindings:  # type: ignore[override]  # stubs disagree
        """Workers repair an unreadable file when they start."""
        file = self._file(exchange)
        try:
            return [Binding(*row) for row in loads(file.read_text(encoding="utf-8"))]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError) as error:
            logger.warning("%s cannot be read, and counts as empty: %s", file.name, error)
            return []

    def _queue_bind(
        self, exchange: str, routing_key: str | None, pattern: str | None, queue: str | None
    ) -> None:
        binding = Binding(routing_key or "", pattern or "", queue or "")
        self._change_table(exchange, lambda known: known if binding in known else [binding, *known])

    def _delete(
        self, queue: str, exchange: str, routing_key: str, pattern: str, *_args: Any, **_kw: Any
    ) -> None:
        self._purge(queue)
        binding = Binding(routing_key or "", pattern or "", queue or "")
        self._change_table(exchange, lambda known: [other for other in known if other != binding])

    def _change_table(self, exchange: str, change: Callable[[Bindings], Bindings]) -> None:
        file = self._file(exchange)
        with _locked(self.control_folder / "lock"):
            known = self.get_table(exchange)
            changed = change(known)
            if changed != known or not file.exists():
                _write_whole(file, dumps(changed))


class FolderTransport(filesystem.Transport):
    Channel = FolderChannel


def _write_whole(path: Path, text: str) -> None:
    draft = path.with_name(f".{uuid4()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
