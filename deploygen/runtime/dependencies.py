"""Checks dependencies in the background, so that /health/ready is cheap."""

import http.client
import logging
import socket
import threading
import time
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import SplitResult, urlsplit

from .problems import Problem

logger = logging.getLogger("agent.dependencies")

TIMEOUT_SECONDS = 2.0
GOOD_FOR_SECONDS = 5.0
RETRY_SECONDS = 1.0
STALE_SECONDS = GOOD_FOR_SECONDS + 2 * TIMEOUT_SECONDS + 1.0


class DependencyChecks:
    """One thread each, since a check may hang."""

    def __init__(self, dependencies: Sequence[str]) -> None:
        """`dependencies`: URLs, or host:port. Raises ValueError."""
        self._checks = [_Check(dependency) for dependency in dependencies]

    def start(self) -> None:
        for check in self._checks:
            threading.Thread(target=check.run, name="dependency", daemon=True).start()

    def stop(self) -> None:
        for check in self._checks:
            check.stopped.set()

    def problem(self) -> Problem | None:
        problems = [problem for check in self._checks if (problem := check.problem())]
        return Problem("a dependency is away", "; ".join(problems)) if problems else None


class _Check:
    def __init__(self, dependency: str) -> None:
        self._target = _target(dependency)
        self.name = _name(self._target)
        self.stopped = threading.Event()
        self._seen: tuple[float, str | None] | None = None

    def run(self) -> None:
        while not self.stopped.is_set():
            problem = _check(self._target)
            self._log_change(problem)
            self._seen = (time.monotonic(), problem)
            self.stopped.wait(RETRY_SECONDS if problem else GOOD_FOR_SECONDS)

    def _log_change(self, problem: str | None) -> None:
        before = self._seen[1] if self._seen else None
        if problem and problem != before:
            logger.warning("the dependency %s is away: %s", self.name, problem)
        elif before and not problem:
            logger.info("the dependency %s is back", self.name)

    def problem(self) -> str | None:
        if self._seen is None:
            return f"the dependency {self.name} is being checked"
        when, problem = self._seen
        if time.monotonic() - when > STALE_SECONDS:
            problem = "it does not respond"
        return f"the dependency {self.name} is away: {problem}" if problem else None


def _target(dependency: str) -> SplitResult:
    target = urlsplit(dependency if "://" in dependency else f"tcp://{dependency}")
    try:
        port = target.port
    except ValueError:
        port = 0
    known = target.scheme in ("http", "https") or (target.scheme == "tcp" and port)
    if not known or not target.hostname or port == 0:
        raise ValueError("a dependency must be an http or https URL, or host:port")
    return target


def _name(target: SplitResult) -> str:
    # For the log: no user, password, query.
    place = target.netloc.rpartition("@")[2]
    return place if target.scheme == "tcp" else f"{target.scheme}://{place}{target.path}"


def _check(target: SplitResult) -> str | None:
    try:
        if target.scheme == "tcp":
            address = (target.hostname or "", target.port or 0)
            socket.create_connection(address, timeout=TIMEOUT_SECONDS).close()
            return None
        status = _status(target)
    except OSError as error:
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    except (http.client.HTTPException, ValueError) as error:
        # The message may repeat the response or query.
        return type(error).__name__
    return f"it responds with {status}" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else None


def _status(target: SplitResult) -> int:
    is_https = target.scheme == "https"
    kind = http.client.HTTPSConnection if is_https else http.client.HTTPConnection
    connection = kind(target.hostname or "", target.port, timeout=TIMEOUT_SECONDS)
    try:
        path = (target.path or "/") + (f"?{target.query}" if target.query else "")
        connection.request("GET", path, headers={"User-Agent": "agent", "Connection": "close"})
        return connection.getresponse().status
    finally:
        connection.close()
