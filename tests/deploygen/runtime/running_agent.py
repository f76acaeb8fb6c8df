"""An agent in the test's process, served from a thread on a free port."""

import asyncio
import itertools
import json
import socket
import sys
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from deploygen.runtime.config import read_config
from deploygen.runtime.http.app import create_app
from deploygen.runtime.process.lifecycle import Lifecycle
from tests import plain_http
from tests.processes import wait_until

# Each handler has a module of its own: agents may run side by side.
NUMBERS = itertools.count()
ECHO = "def handle(inputs): return {'echo': inputs}"


class RunningAgent:
    def __init__(
        self,
        folder: Path,
        handler: str,
        environ: MutableMapping[str, str],
        function: str = "",
        **more: Any,
    ) -> None:
        self.module = f"handler_of_running_agent_{next(NUMBERS)}"
        document = {
            "name": "An agent",
            "agent_id": "an-agent",
            "port": 8000,
            "handler": function or f"{self.module}:handle",
            **more,
        }
        (folder / "agent.json").write_text(json.dumps(document))
        (folder / f"{self.module}.py").write_text(handler)
        self.given_up: list[bool] = []
        self.lifecycle = Lifecycle(
            read_config(folder, environ), give_up=lambda: self.given_up.append(True)
        )
        self.app = create_app(self.lifecycle)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        self.http = plain_http.client(self.url)

    def _serve(self) -> None:
        asyncio.run(self.lifecycle.serve(self.app, self._listening))

    def run(self, **inputs: Any) -> httpx.Response:
        return self.http.post("/run", json=inputs)

    def reason(self) -> str | None:
        """Return why the agent is not ready, in detail, or None if it is."""
        answer = self.http.get("/health/ready")
        assert answer.status_code == (200 if answer.json()["status"] == "ready" else 503)
        problem = self.lifecycle.problem()
        reason: str | None = answer.json().get("reason")
        return problem.detail if problem and reason else reason

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.reason() is None, "readiness")

    def stop(self) -> None:
        self.lifecycle.request_stop()
        self.thread.join(30)
        assert not self.thread.is_alive()
        self.http.close()


@contextmanager
def running_agent(
    folder: Path,
    handler: str = ECHO,
    environ: MutableMapping[str, str] | None = None,
    **more: Any,
) -> Iterator[RunningAgent]:
    """Serve an agent with the source `handler`, and `more` in its agent.json.

    `function` names a handler in another module.
    """
    sys.path.insert(0, str(folder))
    try:
        agent = RunningAgent(folder, handler, {} if environ is None else environ, **more)
        try:
            yield agent
        finally:
            agent.stop()
            sys.modules.pop(agent.module, None)
    finally:
        sys.path.remove(str(folder))
