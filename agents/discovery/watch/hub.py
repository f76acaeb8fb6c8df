"""Reads the feed once per process, for all watchers."""

import logging
import threading
import time
from collections import OrderedDict

from django.db import Error, close_old_connections, connection

from agents.database.availability import log_unavailable
from agents.database.dialect import dialect
from agents.discovery.watch.changes import Chunk, read_changes
from agents.discovery.watch.watchers import Follower
from agents.history import feed

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
KEPT_CHUNKS = 64


class Hub:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._followers: dict[Follower, None] = {}
        self._thread: threading.Thread | None = None
        self._is_new = threading.Event()
        self._end = 0
        self._chunks: OrderedDict[tuple[str, int, bool], Chunk] = OrderedDict()

    def __len__(self) -> int:
        return len(self._followers)

    def add(self, follower: Follower) -> None:
        with self._lock:
            self._followers[follower] = None
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
                self._thread.start()
        self._is_new.set()

    def remove(self, follower: Follower) -> None:
        with self._lock:
            self._followers.pop(follower, None)

    def _run(self) -> None:
        while self._has_followers():
            try:
                close_old_connections()
                self._look()
            except Error as error:
                log_unavailable(error)
            except Exception:  # a bug here must not end the thread
                logger.exception("watchers could not be served")
            dialect.close_before_fork()
            self._is_new.wait(LOOK_SECONDS)
            self._is_new.clear()
        connection.close()

    def _has_followers(self) -> bool:
        with self._lock:
            if not self._followers:
                self._thread = None
            return bool(self._followers)

    def _look(self) -> None:
        newest = feed.newest_position()
        if newest > self._end and (settled := feed.settled_position()) is not None:
            self._end = settled
            self._chunks.clear()
        now = time.monotonic()
        for follower in list(self._followers):
            if follower.stream.over:
                self.remove(follower)
                continue
            if follower.listed_until is None:
                follower.listed_until = newest
            self._advance(follower)
            follower.rest(now)

    def _advance(self, follower: Follower) -> None:
        while follower.position < self._end:
            chunk = self._chunk(follower)
            for message in chunk.messages:
                if not follower.has_room:
                    return
                follower.send(message)
                follower.position = message.position
            follower.position = chunk.position

    def _chunk(self, follower: Follower) -> Chunk:
        """Followers at one position with the same filters share a chunk."""
        view, position = follower.view, follower.position
        follows_list = position < (follower.listed_until or 0)
        key = view.key, position, follows_list
        chunk = self._chunks.get(key)
        if chunk is None:
            chunk = read_changes(view, position, self._end, follows_list=follows_list)
            self._chunks[key] = chunk
            if len(self._chunks) > KEPT_CHUNKS:
                self._chunks.popitem(last=False)
        else:
            self._chunks.move_to_end(key)
        return chunk
