"""The filters of ``GET /agents``."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from agents.conditions import WORDS, condition_of
from agents.models import AgentRecord
from agents.querysets import read_at
from agents.states import State, Status
from tests.agents.conftest import Register
from tests.agents.discovery.listing import listed, refused, url
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


def test_filters_compose(api: APIClient, register: Register) -> None:
    register("a", tags=["eu"], skills=["s"], version="1.2", host="h", metadata={"gpu": 1})
    register("b", tags=["eu"], skills=["s"], version="1.3", host="h", metadata={"gpu": 1})
    register("c", tags=["eu"], skills=["s"], version="1.3", host="i", metadata={"gpu": 1})
    register("d", tags=["eu"], skills=["s"], version="1.3", host="h", metadata={"gpu": 2})
    register("e", tags=["us"], skills=["s"], version="1.3", host="h", metadata={"gpu": 1})

    query = {"tag": "eu", "skill": "s", "version": ">1.2", "host": "h", "meta__gpu": "1"}

    assert listed(api, **query) == ["b"]
    assert listed(api, **query, name="b", status="unknown", state="active") == ["b"]
    assert listed(api, **query, condition="alive", search="B") == ["b"]
    assert listed(api, **query, search="x") == []


@pytest.mark.parametrize("field", ["agent_name", "host", "version"])
def test_names_hosts_and_versions_match_exactly(api: APIClient, field: str) -> None:
    for agent_id, value in {"a": "1.2", "b": "1.20", "c": "1.2a", "d": "1_2"}.items():
        AgentFactory.create(agent_id=agent_id, **{field: value})
    parameter = field.removeprefix("agent_")

    assert listed(api, **{parameter: "1.2"}) == ["a"]
    assert listed(api, **{parameter: "1.2A"}) == []
    assert listed(api, **{parameter: "1%2"}) == []


def test_an_agent_must_have_all_tags_skills_and_texts(api: APIClient, register: Register) -> None:
    register("a", tags=["x", "y"], skills=["s", "t"])
    register("b", tags=["x"], skills=["s"])

    assert listed(api, tag=["x", "y"]) == ["a"]
    assert listed(api, skill=["t", "s"]) == ["a"]
    assert listed(api, search=["10.0", "B"]) == ["b"]


def test_of_several_values_of_one_field_any_is_enough(api: APIClient, register: Register) -> None:
    register("a", host="h", version="1", status="ready", metadata={"m": 1})
    register("b", host="i", version="2", status="busy", metadata={"m": 2})
    register("c", host="j", version="3", status="starting", metadata={"m": 3})
    query: dict[str, Any] = {
        "host": ["h", "i"],
        "name": ["a", "b"],
        "version": ["1", ">1.5,<3"],
        "status": ["ready", "busy"],
        "state": ["active", "draining"],
        "condition": ["alive", "expired"],
        "meta__m": ["1", "2"],
    }

    for name, values in query.items():
        if name != "state":
            assert listed(api, **{name: values}) == ["a", "b"], name
    assert listed(api, **query) == ["a", "b"]


def test_an_empty_value_is_no_filter(api: APIClient, register: Register) -> None:
    register("a", host="h")
    names = ["tag", "skill", "name", "version", "host", "status", "state", "condition", "search"]

    for name in [*names, "meta__m", "include_dead", "sort", "fields"]:
        assert listed(api, **{name: ""}) == ["a"], name
    assert listed(api, host=["", "i"]) == []


@pytest.mark.parametrize(
    ("query", "name", "words"),
    [
        (
            {"status": "asleep"},
            "status",
            "“asleep” is unknown. Choose from: unknown, starting, ready",
        ),
        ({"status": ["ready", "asleep"]}, "status", "“asleep”"),
        ({"state": "asleep"}, "state", "Choose from: active, draining, quarantined"),
        ({"condition": "ready"}, "condition", "Choose from: alive, expiring-soon, expired"),
        ({"tag": "x" * 65}, "tag", "no more than 64"),
        ({"tag": ["x"] * 65}, "tag", "At most 64 values"),
        ({"skill": "\0"}, "skill", "Null characters"),
        ({"host": "h" * 257}, "host", "no more than 256"),
        ({"version": ">=1.2,<two"}, "version", "“<two” has no version"),
        ({"version": ">=1.2,2"}, "version", "“2” is not a bound"),
        ({"version": ">="}, "version", "“>=” has no version"),
        ({"version": "=1.2"}, "version", "“=1.2” is not a bound"),
        ({"meta__m": "\0"}, "meta.m", "Null characters"),
        ({"meta__" + "k" * 257: "1"}, "meta." + "k" * 75, "no more than 256"),
        ({"meta__a__a__a__a__a__a__a__a__a": "1"}, "meta.a.a.a.a.a.a.a.a.a", "At most 8 levels"),
        ({"include_dead": "perhaps"}, "include_dead", "boolean"),
        ({"include_dead": ["1", "0"]}, "include_dead", "Give it once."),
        ({"limit": ["1", "2"]}, "limit", "Give it once."),
        ({"meta__": "1"}, "meta.", "There is no such parameter."),
        ({"meta": "1"}, "meta", "There is no such parameter."),
        ({"metadata": "1"}, "metadata", "There is no such parameter."),
    ],
)
def test_bad_values_are_refused_by_the_name_of_their_parameter(
    api: APIClient, query: dict[str, Any], name: str, words: str
) -> None:
    errors = refused(api, **query)

    assert list(errors) == [name]
    assert words in " ".join(errors[name])


@pytest.mark.parametrize("path", ["/agents", "/agents/pick"])
def test_an_unknown_parameter_is_refused_with_the_list_of_known_ones(
    api: APIClient, path: str
) -> None:
    [text] = refused(api, path, tags="eu")["tags"]

    assert text.startswith("There is no such parameter. Choose from: ")
    known = text.removesuffix(".").partition("Choose from: ")[2].split(", ")
    assert known == sorted(known)
    filters = {"tag", "skill", "name", "version", "host", "status", "state", "condition", "search"}
    assert {*filters, "meta.KEY", "fields"} <= set(known)
    assert ("exclude" in known) == (path == "/agents/pick")
    assert {"include_dead", "sort", "limit", "cursor"} & set(known) == (
        set() if path == "/agents/pick" else {"include_dead", "sort", "limit", "cursor"}
    )


def test_every_known_parameter_is_in_the_openapi_document(client: Any) -> None:
    document = client.get("/schema", headers={"Accept": "application/json"}).json()

    for path in ("/agents", "/agents/pick"):
        described = {one["name"] for one in document["paths"][path]["get"]["parameters"]}
        [text] = refused(client, path, tags="eu")["tags"]
        known = text.removesuffix(".").partition("Choose from: ")[2].split(", ")
        assert described == set(known)


class TestConditions:
    def test_agents_are_found_by_the_condition_that_they_are_shown_with(
        self, api: APIClient
    ) -> None:
        soon = timezone.now() - timedelta(seconds=50)
        kinds: dict[str, dict[str, Any]] = {
            "alive": {},
            "soon": {"last_heartbeat": soon},
            "dead": {"expired": True},
        }
        states, statuses = [*State.values, "made-up"], [*Status.values, "new"]
        for state, status, (kind, more) in product(states, statuses, kinds.items()):
            agent_id = f"{state}-{status}-{kind}"
            AgentFactory.create(agent_id=agent_id, state=state, status=status, **more)
        agents = AgentRecord.objects.with_read_at().order_by("pk")
        words = {
            agent.pk: condition_of(agent, read_at(agent)).word.replace(" ", "-") for agent in agents
        }

        for word in WORDS:
            matching = [agent_id for agent_id, other in words.items() if other == word]
            assert listed(api, condition=word, include_dead="1") == matching
        assert {word for word in words.values() if word not in WORDS} == {"made-up", "new"}

    def test_asking_for_expired_agents_includes_the_dead(self, api: APIClient) -> None:
        AgentFactory.create(agent_id="alive")
        AgentFactory.create(agent_id="dead", expired=True)

        assert listed(api, condition="expired") == ["dead"]
        assert listed(api, condition=["expired", "alive"]) == ["alive", "dead"]
        assert listed(api, condition="expired", include_dead="false") == []
        assert listed(api, condition="alive") == ["alive"]


def test_a_browser_gets_what_matches(api: APIClient, register: Register) -> None:
    register("here", metadata={"region": "eu"})
    register("there", metadata={"region": "us"})

    page = api.get(url(meta__region="eu"), headers={"Accept": "text/html"}).content.decode()

    assert "&quot;here&quot;" in page
    assert "&quot;there&quot;" not in page
