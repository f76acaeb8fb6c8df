"""The fast path and the DRF action give the same response and the same rows for a request."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.http import HttpResponse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from rest_framework.serializers import DateTimeField
from rest_framework.test import APIClient

from agents.models import AgentEvent, AgentRecord
from agents.tokens.lease import issue
from tests.agents.fast_path.client import FastPathClient
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

HEARTBEAT = "/agents/a/heartbeat"
# Headers that the server adds to those of Django.
SERVER_HEADERS = {"Server", "Date", "Connection"}
TIMES = {"last_heartbeat", "expires_at"}

REPORTS = st.dictionaries(
    st.sampled_from(["status", "load", "note", "mood"]),
    st.one_of(
        st.sampled_from(["ready", "busy", "tired", "0.5", " ready", ""]),
        st.floats(-1, 2),
        st.integers(-1, 2),
        st.booleans(),
        st.none(),
        st.text(max_size=8),
        st.text(min_size=255, max_size=258),
        st.lists(st.integers(), max_size=2),
    ),
    max_size=3,
)
BODIES = st.one_of(
    REPORTS.map(json.dumps),
    st.sampled_from(["", " ", "{}", "[]", "null", '{"load":1,"load":0}', '{"load":NaN}', "{", "é"]),
    st.text(max_size=12),
)
LEASES: st.SearchStrategy[list[Any]] = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"agent_id": st.sampled_from(["a", "b", "gone", "watch", "", "x y", 7, None])},
            optional={
                "lease_token": st.sampled_from(
                    [issue("a", 2), issue("b", 1), issue("b", 9), issue("a", 1), "", "é", " ", 1]
                ),
                "note": st.just("hello"),
            },
        ),
        st.sampled_from([None, 1, "a", []]),
    ),
    max_size=4,
)


class BothPaths(TestCase):
    """Each example runs in a transaction of its own."""

    def setUp(self) -> None:
        self.django = APIClient()
        self.fast = FastPathClient()

    def fleet(self) -> None:
        for model in (AgentRecord, AgentEvent):
            model.objects.all().delete()
        AgentFactory.create(agent_id="a", generation=2, ttl_seconds=50)
        AgentFactory.create(agent_id="b", generation=5, state="draining")

    def agree(self, send: Callable[[APIClient], Any]) -> Any:
        """Send by both paths, each to the same fleet; return the response if they agree."""
        self.fleet()
        expected = content_of(send(self.django)), rows()
        self.fleet()
        actual = content_of(send(self.fast)), rows()
        assert actual == expected
        return expected[0]

    @given(
        body=BODIES,
        token=st.sampled_from([None, issue("a", 2), issue("a", 1), issue("a", 3), "", "1.x", "ü"]),
        agent_id=st.sampled_from(["a", "b", "gone", ".", "register", "%61"]),
        slash=st.sampled_from(["", "/", "?", "?format=json"]),
        accept=st.sampled_from(
            ["*/*", "application/json", "text/html", "text/plain", "application/json, */*;q=0.1"]
        ),
    )
    def test_a_heartbeat_gets_the_same_response_by_both_paths(
        self, body: str, token: str | None, agent_id: str, slash: str, accept: str
    ) -> None:
        headers = {"Accept": accept} | ({} if token is None else {"Lease-Token": token})

        def send(client: APIClient) -> Any:
            return client.generic(
                "POST",
                f"/agents/{agent_id}/heartbeat{slash}",
                body,
                "application/json",
                headers=headers,
            )

        self.agree(send)

    @given(leases=LEASES)
    def test_a_bulk_heartbeat_gets_the_same_response_by_both_paths(self, leases: list[Any]) -> None:
        body = json.dumps({"agents": leases})
        self.agree(lambda client: client.post("/agents/heartbeat", json.loads(body)))

    def test_an_ordinary_heartbeat_is_taken_by_the_fast_path(self) -> None:
        report = {"status": "busy", "load": 0.5, "note": "x"}
        answer = self.agree(
            lambda client: client.post(HEARTBEAT, report, headers={"Lease-Token": issue("a", 2)})
        )
        assert answer["status"] == 200
        assert self.fast.taken == [True]

    def test_a_bulk_heartbeat_is_taken_by_the_fast_path(self) -> None:
        leases = [{"agent_id": "a", "lease_token": issue("a", 2)}, {"agent_id": "b"}]
        answer = self.agree(lambda client: client.post("/agents/heartbeat", {"agents": leases}))
        assert answer["body"]["renewed"] == 2
        assert answer["body"]["states"] == {"b": "draining"}
        assert self.fast.taken == [True]

    def test_refused_leases_are_answered_by_the_fast_path(self) -> None:
        """A fleet whose registry was emptied sends as many heartbeats as a healthy one."""
        for token, status in ((issue("a", 1), 409), (issue("a", 3), 404)):
            answer = self.agree(
                lambda client, token=token: client.post(  # type: ignore[misc]
                    HEARTBEAT, headers={"Lease-Token": token}
                )
            )
            assert answer["status"] == status
        assert self.fast.taken == [True, True]


def content_of(response: HttpResponse) -> dict[str, Any]:
    """Return status, headers and body of a response, with times replaced."""
    text = response.content.decode()
    body: Any = "a page"  # with tokens that change
    if not response.headers["Content-Type"].startswith("text/html"):
        fields = json.loads(text)
        body = {
            name: time_format(value) if name in TIMES else value for name, value in fields.items()
        }
    headers = {
        name: set(value.split("; ")) if "Policy" in name else value
        for name, value in response.items()
        if name not in SERVER_HEADERS | {"Content-Length"}
    }
    return {"status": response.status_code, "headers": headers, "body": body}


def time_format(time: str) -> str:
    """Return "a time" for a time in the API's format, and anything else unchanged."""
    written = DateTimeField().to_representation(datetime.fromisoformat(time))
    return "a time" if written == time else time


def rows() -> Any:
    agents = AgentRecord.objects.order_by("pk").values(
        "agent_id", "generation", "status", "load", "note", "state", "seen_address"
    )
    events = AgentEvent.objects.order_by("agent_id", "kind", "generation").values(
        "agent_id", "kind", "generation", "reason", "actor", "address"
    )
    return list(agents), list(events)
