"""``ETag`` and ``If-None-Match``: 304 exactly when the client's copy is up to date."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from rest_framework.test import APIClient

from agents import leases
from agents.database.clock import DatabaseNow
from agents.models import AgentRecord
from agents.serializers.agent import FIELDS
from agents.states import State
from tests.agents.conftest import Register
from tests.agents.passing_time import time_passes
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

Change = Callable[[], object]

PAGES = [
    "/agents",
    "/agents?include_dead=true",
    "/agents?include_dead=true&limit=1",
    "/agents?limit=2",
    "/agents?tag=x",
    "/agents?state=draining",
    "/agents?status=busy",
    "/agents?search=b",
    "/agents?fields=agent_id,agent_name,host,port,tags,state",
    "/agents?fields=tags&limit=2",
    "/agents?fields=agent_id&sort=-load",
    "/agents?fields=agent_id&sort=load,-host&limit=1",
    "/agents?fields=port&sort=-last_heartbeat&limit=2",
    "/agents?fields=note&sort=-agent_id&include_dead=true",
    "/agents?meta.a=1&fields=agent_id,generation",
    "/agents?condition=draining&fields=host",
    "/agents?version=>=1&fields=version",
    "/agents/a",
]


def unless_unknown(change: Change) -> Change:
    def attempt() -> None:
        with suppress(leases.UnknownAgent):
            change()

    return attempt


def registering(agent_id: str, **fields: Any) -> Change:
    return lambda: leases.register(agent_id=agent_id, host="h", port=1, **fields)


def renewing(agent_id: str, **report: Any) -> Change:
    return unless_unknown(lambda: leases.renew(agent_id=agent_id, **report))


def setting_state(agent_id: str, state: str) -> Change:
    return unless_unknown(lambda: leases.set_state(agent_id=agent_id, state=state, actor="a"))


def updating(agent_id: str, **values: Any) -> Change:
    """Change single columns, which no heartbeat or registration would do."""
    return lambda: AgentRecord.objects.filter(pk=agent_id).update(**values)


IDS = st.sampled_from(["a", "b", "c"])
NAMES = st.lists(st.sampled_from(["x", "y"]), unique=True, max_size=2)
CHANGES = st.one_of(
    st.builds(
        registering,
        IDS,
        tags=NAMES,
        # Too long for a lease to end by itself between two calls.
        ttl_seconds=st.sampled_from([3_600, 7_200]),
        metadata=st.sampled_from([{}, {"a": 1}, {"a": "1"}]),
    ),
    st.builds(
        renewing,
        IDS,
        status=st.sampled_from([None, "ready", "busy"]),
        load=st.sampled_from([None, 0.0, 0.5, 0.5000000000000001]),
        note=st.sampled_from([None, "", "x", "x,y"]),
        address=st.sampled_from([None, "::1", "192.0.2.1"]),
    ),
    st.builds(setting_state, IDS, st.sampled_from(State.values)),
    st.builds(updating, IDS, note=st.sampled_from(["", "x", "y"])),
    st.builds(updating, IDS, load=st.sampled_from([None, 0.1, 0.1 + 2**-56, 0.2])),
    st.builds(updating, IDS, skills=NAMES),
    st.builds(updating, IDS, version=st.sampled_from(["", "1"])),
    st.builds(updating, IDS, agent_name=st.sampled_from(["a", "b"])),
    st.builds(updating, IDS, host=st.sampled_from(["a", "b"])),
    st.builds(updating, IDS, port=st.sampled_from([1, 2])),
    st.builds(updating, IDS, seen_address=st.sampled_from([None, "::1"])),
    st.builds(lambda i: unless_unknown(lambda: leases.deregister(agent_id=i)), IDS),
    st.builds(lambda seconds: lambda: time_passes(seconds), st.sampled_from([1, 3_600, 7_200])),
    st.just(leases.purge_expired),
    st.just(lambda: None),
)


class TestRandomChanges(TestCase):
    @settings(max_examples=15)
    @given(changes=st.lists(CHANGES, max_size=12))
    def test_304_is_answered_exactly_when_the_page_is_unchanged(
        self, changes: list[Change]
    ) -> None:
        api = APIClient()
        issued: dict[str, Any] = {}  # all contents so far, by ETag
        held: dict[str, str] = {}
        for change in [lambda: None, *changes]:
            change()
            for page in PAGES:
                fresh = api.get(page)
                self._remember(issued, fresh)
                etag = held.get(page, "")
                answer = api.get(page, headers={"If-None-Match": etag})
                if answer.status_code != 304:
                    assert content_of(answer) == content_of(fresh)
                assert (answer.status_code == 304) == (issued.get(etag) == content_of(fresh))
                held[page] = fresh.headers.get("ETag", "")

    def _remember(self, issued: dict[str, Any], answer: Any) -> None:
        if answer.status_code == 200:
            content = content_of(answer)
            assert issued.setdefault(answer.headers["ETag"], content) == content


def content_of(answer: Any) -> tuple[int, bytes, str | None]:
    return answer.status_code, answer.content, answer.headers.get("Link")


# For each field two values that differ as little as possible.
NEAR: dict[str, tuple[Any, Any]] = {
    "agent_id": ("a", "A"),
    "agent_name": ("a", "a "),
    "host": ("a", "b"),
    "port": (1, 11),
    "last_heartbeat": (timezone.now(), timezone.now() + timedelta(microseconds=1)),
    "registered_at": (timezone.now(), timezone.now() + timedelta(microseconds=1)),
    "ttl_seconds": (60, 61),
    "metadata": ({"a": 1}, {"a": "1"}),
    "version": ("", "0"),
    "tags": (["a", "b"], ["b", "a"]),
    "skills": (["a,b"], ["a", "b"]),
    "state": ("active", "draining"),
    "status": ("ready", "busy"),
    "load": (0.1, 0.1 + 2**-56),
    "note": ("", " "),
    "seen_address": (None, "::"),
    "generation": (2**62, 2**62 + 1),
}


@pytest.mark.parametrize(
    "field", [f for f in FIELDS if f not in {"is_alive", "expires_at", "probe"}]
)
def test_a_change_of_any_field_changes_the_etag(api: APIClient, field: str) -> None:
    # Includes dead agents: some values expired while earlier tests ran.
    page = "/agents?include_dead=true"
    one, other = NEAR[field]
    AgentFactory.create(**{"agent_id": "a", field: one})
    etag = api.get(page).headers["ETag"]
    assert api.get(page, headers={"If-None-Match": etag}).status_code == 304

    AgentRecord.objects.update(**{field: other})

    assert api.get(page, headers={"If-None-Match": etag}).status_code == 200


def test_a_page_changes_when_an_agent_expires_without_a_write(api: APIClient) -> None:
    AgentFactory.create(agent_id="a", last_heartbeat=timezone.now(), ttl_seconds=60)
    pages = ["/agents", "/agents?include_dead=true", "/agents/a"]
    for seconds in (
        1,
        5,
        25,
    ):  # longer ones for a busy machine, where the agent would expire too soon
        rest = timedelta(seconds=seconds)
        AgentRecord.objects.update(last_heartbeat=DatabaseNow() - timedelta(seconds=60) + rest)
        alive = {page: api.get(page) for page in pages}
        if all(b'"is_alive":true' in answer.content for answer in alive.values()):
            break
    assert all(b'"is_alive":true' in answer.content for answer in alive.values())

    for page in pages:
        deadline = time.monotonic() + 30
        etag = alive[page].headers["ETag"]
        while (answer := api.get(page, headers={"If-None-Match": etag})).status_code == 304:
            assert time.monotonic() < deadline
        assert AgentRecord.objects.expired().exists()
        assert b'"is_alive":true' not in answer.content


def test_304_costs_one_query_of_agents_and_has_no_body(api: APIClient, register: Register) -> None:
    register("a")
    for page in ("/agents", "/agents/a"):
        etag = api.get(page).headers["ETag"]
        with CaptureQueriesContext(connection) as queries:
            answer = api.get(page, headers={"If-None-Match": etag})

        agents = [query for query in queries if AgentRecord._meta.db_table in query["sql"]]
        assert len(agents) == 1
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == etag
        assert answer.headers["Vary"] == api.get(page).headers["Vary"]


@pytest.mark.parametrize("form", ["W/{0}", '"other", {0}', '"a", "b", "c", "d", "e", W/{0}', "*"])
def test_all_forms_of_if_none_match_are_accepted(
    api: APIClient, register: Register, form: str
) -> None:
    register("a")
    header = form.format(api.get("/agents").headers["ETag"])

    assert api.get("/agents", headers={"If-None-Match": header}).status_code == 304


def test_a_header_with_a_thousand_of_our_etags_is_searched(
    api: APIClient, register: Register
) -> None:
    register("a")
    etag = api.get("/agents").headers["ETag"]
    begin = etag.partition("-")[0]
    others = ", ".join(f'{begin}-{number}"' for number in range(1_000))

    assert api.get("/agents", headers={"If-None-Match": f"{others}, {etag}"}).status_code == 304
    with CaptureQueriesContext(connection) as queries:
        assert api.get("/agents", headers={"If-None-Match": others}).status_code == 200
    assert len(queries[0]["sql"]) < 10_000


@pytest.mark.parametrize("tag", ["", "%s", "'; --", "☂", "0" * 1_000])
def test_a_forged_etag_matches_no_page(api: APIClient, register: Register, tag: str) -> None:
    register("a")
    begin = api.get("/agents").headers["ETag"].partition("-")[0]
    forged = f'{begin}-{tag}"'.encode().decode("latin-1")

    answer = api.get("/agents", HTTP_IF_NONE_MATCH=forged)

    assert answer.status_code == 200
    assert len(answer.json()) == 1


def test_different_pages_and_formats_have_different_etags(
    api: APIClient, register: Register
) -> None:
    register("a", tags=["x"], skills=["x"], status="ready")
    pages = ["?limit=5", "?limit=6", "?tag=x", "?skill=x", "?status=ready", "?include_dead=true"]
    answers = [api.get(f"/agents{page}") for page in ("", *pages, "/a")]
    html = api.get("/agents", headers={"Accept": "text/html"})
    indented = api.get("/agents", headers={"Accept": "application/json; indent=2"})

    etags = [answer.headers["ETag"] for answer in [*answers, html, indented]]

    assert len(set(etags)) == len(etags)
    for etag in etags[1:]:
        assert api.get("/agents", headers={"If-None-Match": etag}).status_code == 200


def test_a_page_changes_when_it_gets_a_next_page(api: APIClient, register: Register) -> None:
    register("a")
    page = "/agents?limit=1"
    etag = api.get(page).headers["ETag"]
    register("b")

    answer = api.get(page, headers={"If-None-Match": etag})

    assert answer.status_code == 200
    assert "Link" in answer.headers


def test_indented_json_has_the_same_content(api: APIClient, register: Register) -> None:
    register("a")
    header = {"Accept": "application/json; indent=2"}

    for page in ("/agents", "/agents/a"):
        answer = api.get(page, headers=header)
        assert answer.json() == api.get(page).json()
        assert b"\n  " in answer.content


def test_head_has_the_headers_of_get(api: APIClient, register: Register) -> None:
    register("a")
    for page in ("/agents?limit=1", "/agents/a"):
        got = api.get(page)
        headed = api.head(page, headers={"If-None-Match": got.headers["ETag"]})

        assert (headed.status_code, headed.content) == (200, b"")
        assert headed.headers == got.headers


def test_if_match_is_honoured(api: APIClient, register: Register) -> None:
    register("a")
    etag = api.get("/agents").headers["ETag"]

    assert api.get("/agents", headers={"If-Match": etag}).status_code == 200
    assert api.get("/agents", headers={"If-Match": '"other"'}).status_code == 412


@pytest.mark.parametrize("headers", [{}, {"If-None-Match": "*"}])
def test_an_unknown_agent_is_404_even_with_if_none_match(
    api: APIClient, headers: dict[str, str]
) -> None:
    assert api.get("/agents/a", headers=headers).status_code == 404


def test_a_page_does_not_change_with_the_content_of_the_next_page(
    api: APIClient, register: Register
) -> None:
    register("a")
    register("b")
    page = "/agents?limit=1"
    etag = api.get(page).headers["ETag"]
    held = {"If-None-Match": etag}

    register("b", tags=["x"])
    assert api.get(page, headers=held).status_code == 304

    leases.deregister(agent_id="b")  # now there is no next page and no Link
    assert api.get(page, headers=held).status_code == 200


SLOW = "/agents?fields=agent_id,agent_name,host,port,metadata,version,tags,skills,state"


@pytest.mark.parametrize("page", [SLOW, f"{SLOW}&sort=host&limit=1"])
def test_a_heartbeat_alone_changes_no_page_without_its_fields(
    api: APIClient, register: Register, page: str
) -> None:
    register("a")
    register("b")
    etag = api.get(page).headers["ETag"]

    for report in ({}, {"status": "busy", "load": 0.7, "note": "n"}):
        time_passes(1)
        leases.renew(agent_id="a", **report)  # type: ignore[arg-type]
        assert api.get(page, headers={"If-None-Match": etag}).status_code == 304

    assert api.get("/agents").headers["ETag"] != etag


@pytest.mark.parametrize(
    "change",
    [
        registering("c"),
        registering("a", tags=["x"]),
        registering("a", metadata={"x": 1}),
        registering("a", version="2"),
        setting_state("b", "draining"),
        lambda: leases.deregister(agent_id="b"),
        lambda: time_passes(61),
    ],
)
def test_any_other_change_of_the_fleet_changes_that_page(
    api: APIClient, register: Register, change: Change
) -> None:
    register("a")
    register("b")
    etag = api.get(SLOW).headers["ETag"]

    change()

    assert api.get(SLOW, headers={"If-None-Match": etag}).status_code == 200


def test_agents_that_change_places_change_a_page_that_does_not_show_why(
    api: APIClient, register: Register
) -> None:
    register("a")
    register("b")
    page = "/agents?sort=load&fields=agent_id"
    leases.renew(agent_id="a", load=0.1)
    leases.renew(agent_id="b", load=0.2)
    before = api.get(page)

    leases.renew(agent_id="a", load=0.3)
    after = api.get(page, headers={"If-None-Match": before.headers["ETag"]})

    assert after.status_code == 200
    assert before.json() == [{"agent_id": "a"}, {"agent_id": "b"}]
    assert after.json() == [{"agent_id": "b"}, {"agent_id": "a"}]


def test_agents_that_exchange_their_states_change_a_page(api: APIClient) -> None:
    AgentFactory.create(agent_id="a", state="draining")
    AgentFactory.create(agent_id="b")
    etag = api.get("/agents").headers["ETag"]

    setting_state("a", "active")()
    setting_state("b", "draining")()

    assert api.get("/agents", headers={"If-None-Match": etag}).status_code == 200
