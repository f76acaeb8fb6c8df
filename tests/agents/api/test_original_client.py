"""Clients that use only the three original calls work unchanged."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pytest_django.live_server_helper import LiveServer

pytestmark = pytest.mark.django_db(transaction=True)


class OriginalClient:
    """Written as such clients are: any status of 400 or above raises."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def register(self, agent_id: str, metadata: Any) -> Any:
        registration = {
            "agent_id": agent_id,
            "agent_name": "Weather",
            "host": "weather",
            "port": 8000,
            "ttl_seconds": 60,
            "metadata": metadata,
        }
        return self._checked(self.http.post("/agents/register", json=registration))

    def heartbeat(self, agent_id: str) -> Any:
        return self._checked(self.http.post(f"/agents/{agent_id}/heartbeat"))

    def deregister(self, agent_id: str) -> Any:
        return self._checked(self.http.delete(f"/agents/{agent_id}"))

    def agents(self) -> Any:
        return self._checked(self.http.get("/agents"))

    @staticmethod
    def _checked(answer: httpx.Response) -> Any:
        return answer.raise_for_status().json()


@pytest.fixture
def client(live_server: LiveServer) -> Iterator[OriginalClient]:
    with httpx.Client(base_url=live_server.url) as http:
        yield OriginalClient(http)


@pytest.mark.parametrize("metadata", [{"model": "small"}, None, '{"model": "small"}'])
def test_the_original_client_registers_heartbeats_and_deregisters(
    client: OriginalClient, metadata: Any
) -> None:
    client.register("weather-1", metadata)
    client.register("weather-1", metadata)
    assert client.heartbeat("weather-1")["status"] == "ok"
    (agent,) = client.agents()
    assert agent["agent_id"] == "weather-1"
    assert agent["agent_name"] == "Weather"
    assert agent["is_alive"] is True
    assert agent["ttl_seconds"] == 60
    assert client.deregister("weather-1") == {"status": "deleted", "agent_id": "weather-1"}
    assert client.agents() == []


def test_a_heartbeat_of_an_unknown_agent_raises(
    client: OriginalClient,
) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        client.heartbeat("weather-1")
