"""A client of GET /agents/watch that keeps a view, as one of the registry would."""

import json
import threading
from collections.abc import Mapping
from typing import Any

import httpx

from tests import plain_http


class WatchClient:
    """Lists the agents, then follows the changes, and connects again when a stream ends.

    `faults`: what a registry must not do.
    """

    def __init__(self, url: str, **filters: str) -> None:
        self.view: dict[str, Any] = {}
        self.changes: list[tuple[str, str]] = []
        self.connections = 0
        self.faults: list[str] = []
        self._url = url
        self._filters = filters
        self._stopped = threading.Event()
        answer = plain_http.get(f"{url}/agents", params=filters).raise_for_status()
        self.view = {agent["agent_id"]: agent for agent in answer.json()}
        self._cursor = answer.headers["Registry-Cursor"]
        self._positions: list[str] = []
        threading.Thread(target=self._run, daemon=True).start()

    def __enter__(self) -> "WatchClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()  # its connection ends with the server

    def ids(self) -> list[str]:
        return sorted(self.view)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._follow()
            except httpx.HTTPError:
                self._stopped.wait(0.05)

    def _follow(self) -> None:
        with (
            plain_http.client(self._url, timeout=30) as client,
            client.stream(
                "GET",
                "/agents/watch",
                params={**self._filters, "since": self._cursor},
                headers={"Accept": "text/event-stream"},
            ) as answer,
        ):
            answer.raise_for_status()
            self.connections += 1
            event: dict[str, str] = {}
            for line in answer.iter_lines():
                if self._stopped.is_set():
                    return
                name, _, value = line.partition(": ")
                if line:
                    event[name] = value
                elif event.get("data"):
                    self._take(event)
                    event = {}

    def _take(self, event: Mapping[str, str]) -> None:
        change = json.loads(event["data"])
        if (event["event"], event["id"]) != (change["type"], change["cursor"]):
            self.faults.append(f"the event and its data differ: {event}")
        self._cursor = event["id"]
        if change["type"] == "BOOKMARK":
            return
        agent_id = change["agent_id"]
        self.changes.append((change["type"], agent_id))
        if change["cursor"] in self._positions:
            self.faults.append(f"sent twice: {change}")
        self._positions.append(change["cursor"])
        if change["type"] == "DELETED":
            self.view.pop(agent_id, None)
        else:
            self.view[agent_id] = change["agent"]
