"""Agentic Resource Discovery: searching, counting and listing the agents that are alive."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from agents import leases
from agents.models import AgentRecord
from agents.states import State
from tests.agents.api.catalog_rules import check_entries, check_results
from tests.agents.conftest import Register
from tests.agents.passing_time import time_passes
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

AGENT_CARD = "application/a2a-agent-card+json"
CARD = {
    "name": "Weather",
    "description": "Forecasts of rain and wind.",
    "supportedInterfaces": [{"url": "http://weather.example/a2a"}],
    "skills": [
        {
            "id": "forecast",
            "name": "Weather forecast",
            "tags": ["climate"],
            "examples": ["Will it snow?", "How warm is Rome?"],
        }
    ],
}


def search(api: APIClient, text: str = "weather", **more: Any) -> Any:
    """Search; `filter` is a part of the query."""
    query: dict[str, Any] = {"text": text}
    if "filter" in more:
        query["filter"] = more.pop("filter")
    return api.post("/ard/search", {"query": query, **more})


def names(answer: Any, key: str = "results") -> list[str]:
    assert answer.status_code == 200, answer.content
    return [entry["metadata"]["agentId"] for entry in answer.json()[key]]


def explore(api: APIClient, *fields: str, **more: Any) -> Any:
    facets = [{"field": field} for field in fields]
    answer = api.post("/ard/explore", {"resultType": {"facets": facets}, **more})
    assert answer.status_code == 200, answer.content
    return {
        field: {bucket["value"]: bucket["count"] for bucket in found["buckets"]}
        for field, found in answer.json()["facets"].items()
    }


def listed(api: APIClient, **query: Any) -> list[str]:
    return names(api.get("/ard/agents", query), "items")


def assert_invalid(answer: Any, field: str) -> None:
    """Assert an error that is one of ARD and a Problem Details."""
    body = answer.json()
    assert (answer.status_code, body["status"], body["errorCode"]) == (400, 400, "INVALID_ARGUMENT")
    assert answer["Content-Type"] == "application/problem+json"
    assert list(body["errors"]) == [field]
    assert body["message"] == body["detail"]
    assert body["detail"]


class TestSearch:
    def test_a_result_is_an_entry_with_score_and_source(
        self, api: APIClient, register: Register
    ) -> None:
        register("weather-1", agent_card=CARD, version="1.2", metadata={"region": "eu", "a": [1]})

        answer = search(api).json()

        check_results(answer)
        [result] = answer["results"]
        assert result["identifier"] == "urn:air:agent.localhost:agent:weather-1"
        assert (result["type"], result["version"]) == (AGENT_CARD, "1.2")
        assert result["url"] == "http://localhost:9000/agents/weather-1/card"
        assert result["description"] == CARD["description"]
        assert (result["tags"], result["capabilities"]) == (["climate"], ["forecast"])
        assert result["representativeQueries"] == ["Will it snow?", "How warm is Rome?"]
        assert (result["score"], result["source"]) == (100, "http://localhost:9000/ard")

    def test_liveness_is_in_the_metadata(self, api: APIClient, register: Register) -> None:
        registered = register("weather-1", metadata={"region": "eu", "alive": False, "list": []})

        [result] = search(api).json()["results"]

        assert result["metadata"] == {
            "region": "eu",
            "agentId": "weather-1",
            "host": registered["host"],
            "port": registered["port"],
            "alive": True,
            "lastHeartbeat": registered["last_heartbeat"],
            "expiresAt": registered["expires_at"],
            "ttlSeconds": 60,
            "condition": "alive",
            "state": "active",
            "status": "unknown",
            "load": None,
        }

    def test_an_agent_without_a_card_is_found_where_its_own_would_be(
        self, api: APIClient, register: Register
    ) -> None:
        register("weather-1", host="::1", port=81)

        [result] = search(api).json()["results"]

        assert result["url"] == "http://[::1]:81/.well-known/agent-card.json"

    @pytest.mark.parametrize(
        "text",
        ["weather-1", "EUROPE", "storms", "nowcast", "mountain", "storm warnings for mountains"],
    )
    def test_text_is_looked_for_in_record_and_card(
        self, api: APIClient, register: Register, text: str
    ) -> None:
        card = {"name": "Europe", "description": "Warns of storms.", "skills": [{"id": "nowcast"}]}
        register("weather-1", tags=["mountain"], agent_card=card)
        register("other")

        assert names(search(api, text)) == ["weather-1"]

    def test_a_description_in_the_metadata_is_found(
        self, api: APIClient, register: Register
    ) -> None:
        register("a", metadata={"description": "Translates contracts."})

        [result] = search(api, "contract translation").json()["results"]

        assert result["description"] == "Translates contracts."

    def test_registering_again_replaces_the_words(self, api: APIClient, register: Register) -> None:
        register("a", agent_card={"description": "Translates."})
        register("a", agent_card={"description": "Plays chess."})

        assert names(search(api, "translate")) == []
        assert names(search(api, "chess")) == ["a"]

    def test_an_expired_agent_is_not_found(self, api: APIClient, register: Register) -> None:
        register("weather-1")
        time_passes(60)

        assert names(search(api)) == []

        api.post("/agents/weather-1/heartbeat")
        assert names(search(api)) == ["weather-1"]

    def test_a_deregistered_agent_is_not_found(self, api: APIClient, register: Register) -> None:
        register("weather-1")
        leases.deregister(agent_id="weather-1")

        assert names(search(api)) == []

    def test_of_equal_agents_those_in_good_condition_come_first(
        self, api: APIClient, register: Register
    ) -> None:
        for number in range(3):
            register(f"weather-{number}")
        leases.set_state(agent_id="weather-0", state=State.QUARANTINED, actor="command")

        assert names(search(api)) == ["weather-1", "weather-2", "weather-0"]

    def test_a_typo_is_forgiven_only_if_no_agent_has_the_word(
        self, api: APIClient, register: Register
    ) -> None:
        register("a", tags=["forecast"])
        register("b", tags=["forecats"])

        assert names(search(api, "forecasr")) == ["a"]
        assert names(search(api, "forecats")) == ["b"]

    @pytest.mark.parametrize("text", ["zzz", "!?", "' OR 2=2 --", '"*(', "a:b & c | !d", "the"])
    def test_a_text_that_nobody_is_about_finds_nothing(
        self, api: APIClient, register: Register, text: str
    ) -> None:
        register("weather-1")

        assert search(api, text).json() == {"results": []}

    def test_a_long_text_is_answered(self, api: APIClient, register: Register) -> None:
        register("weather-1")
        words = [f"misspeled{letter * 60}" for letter in "abcdefghijklmnopqrstuvwxyz"]

        assert names(search(api, " ".join(["wether", *words]))) == []
        assert names(search(api, "wether")) == ["weather-1"]

    def test_pages_together_have_all_once(self, api: APIClient, register: Register) -> None:
        for number in range(5):
            register(f"weather-{number}")

        found, token = [], None
        while True:
            more: dict[str, str] = {} if token is None else {"pageToken": token}
            answer = search(api, pageSize=2, **more)
            found.append(names(answer))
            token = answer.json().get("pageToken")
            if token is None:
                break

        assert found == [["weather-0", "weather-1"], ["weather-2", "weather-3"], ["weather-4"]]

    def test_a_token_of_another_search_is_refused(self, api: APIClient, register: Register) -> None:
        for number in range(2):
            register(f"weather-{number}", tags=["chess"])
        token = search(api, pageSize=1).json()["pageToken"]

        assert_invalid(search(api, "chess", pageToken=token), "pageToken")
        assert_invalid(search(api, pageToken="e30="), "pageToken")
        assert_invalid(search(api, pageToken="é"), "pageToken")

    def test_referrals_are_empty_as_no_other_registry_is_known(
        self, api: APIClient, register: Register
    ) -> None:
        register("weather-1")

        assert search(api, federation="referrals").json()["referrals"] == []
        assert "referrals" not in search(api, federation="auto").json()

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "query"),
            ({"query": {}}, "query.text"),
            ({"query": {"text": " "}}, "query.text"),
            ({"query": {"text": "x" * 2_001}}, "query.text"),
            ({"query": {"text": "a", "filters": {}}}, "query.filters"),
            ({"query": {"text": "a", "filter": []}}, "query.filter"),
            ({"query": {"text": "a", "filter": {"tags": {}}}}, "query.filter"),
            ({"query": {"text": "a", "filter": {"tags": []}}}, "query.filter"),
            ({"query": {"text": "a", "filter": {"colour": "x"}}}, "query.filter.colour"),
            ({"query": {"text": "a"}, "pageSize": 101}, "pageSize"),
            ({"query": {"text": "a"}, "pageSize": 0}, "pageSize"),
            ({"query": {"text": "a"}, "federation": "all"}, "federation"),
            ({"query": {"text": "a"}, "page": 1}, "page"),
        ],
    )
    def test_what_is_wrong_is_refused_by_name(
        self, api: APIClient, body: dict[str, Any], field: str
    ) -> None:
        assert_invalid(api.post("/ard/search", body), field)

    def test_no_json_is_an_error_of_ard_too(self, api: APIClient) -> None:
        answer = api.post("/ard/search", "{", content_type="application/json")

        assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_ARGUMENT")


class TestFilters:
    @pytest.fixture(autouse=True)
    def _agents(self, register: Register) -> None:
        register(
            "weather-1", tags=["eu"], skills=["rain"], version="1", metadata={"n": 2, "on": True}
        )
        register("weather-2", tags=["us"], agent_name="Weather US", agent_card=CARD)

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            ({"tags": ["eu"]}, ["weather-1"]),
            ({"tags": "climate"}, ["weather-2"]),
            ({"tags": ["eu", "us"]}, ["weather-1", "weather-2"]),
            ({"tags": ["eu"], "capabilities": ["forecast"]}, []),
            ({"capabilities": ["forecast"]}, ["weather-2"]),
            ({"capabilities": "rain"}, ["weather-1"]),
            ({"version": ["1", "2"]}, ["weather-1"]),
            ({"displayName": "weather us"}, ["weather-2"]),
            ({"type": [AGENT_CARD]}, ["weather-1", "weather-2"]),
            ({"type": ["application/mcp-server-card+json"]}, []),
            ({"publisher": "agent.localhost"}, ["weather-1", "weather-2"]),
            ({"publisher": "example.com"}, []),
            ({"identifier": "urn:air:agent.localhost:agent:weather-2"}, ["weather-2"]),
            ({"identifier": "urn:air:agent.localhost:agent:"}, []),
            ({"metadata.n": 2}, ["weather-1"]),
            ({"metadata.on": [True]}, ["weather-1"]),
            ({"metadata.state": "active"}, ["weather-1", "weather-2"]),
            ({"metadata.condition": "draining"}, []),
            ({"metadata.alive": True}, ["weather-1", "weather-2"]),
            ({"metadata.alive": False}, []),
        ],
    )
    def test_a_search_keeps_entries_with_one_of_the_values_at_each_path(
        self, api: APIClient, filters: dict[str, Any], expected: list[str]
    ) -> None:
        assert sorted(names(search(api, filter=filters))) == expected

    @pytest.mark.parametrize(
        ("expression", "expected"),
        [
            ("tags = 'eu'", ["weather-1"]),
            ("tags='eu,us'", ["weather-1", "weather-2"]),
            ('displayName = "WEATHER us"', ["weather-2"]),
            ("tags = climate AND capabilities=forecast", ["weather-2"]),
            ("tags = eu and capabilities = forecast", []),
            (f"type = '{AGENT_CARD}'", ["weather-1", "weather-2"]),
            ("type = application/mcp-server-card+json", []),
            ("publisherId = agent.localhost", ["weather-1", "weather-2"]),
            ("metadata.n = 2", ["weather-1"]),
            ("createdAfter > '2026-01-01'", ["weather-1", "weather-2"]),
            ("createdAfter = 2999-01-01T00:00:00Z", []),
            ("updatedAfter > 2026-01-01T12:00:00+01:00", ["weather-1", "weather-2"]),
            ("updatedAfter > 2999-01-01", []),
        ],
    )
    def test_the_list_is_filtered_by_an_expression(
        self, api: APIClient, expression: str, expected: list[str]
    ) -> None:
        assert listed(api, filter=expression) == expected

    @pytest.mark.parametrize(
        "expression",
        [
            "",
            "tags",
            "tags =",
            "tags = 'eu",
            "tags > eu",
            "tags = eu capabilities = rain",
            "tags = eu AND",
            "tags = eu OR tags = us",
            "(tags = eu)",
            "colour = red",
            "createdAfter > yesterday",
            "createdAfter > 2026-13-01",
            " AND ".join(["tags = eu"] * 17),
            "metadata.load = 1",
        ],
    )
    def test_an_expression_that_is_none_is_refused(self, api: APIClient, expression: str) -> None:
        answer = api.get("/ard/agents", {"filter": expression or " "})

        assert_invalid(answer, "filter")

    def test_an_update_is_the_last_registration(self, api: APIClient, register: Register) -> None:
        time_passes(10)
        AgentRecord.objects.update(registered_at="2020-01-01T00:00:00Z")
        register("weather-2")

        entries = {
            entry["metadata"]["agentId"]: entry["updatedAt"]
            for entry in api.get("/ard/agents").json()["items"]
        }

        between = entries["weather-1"]
        assert entries["weather-2"] > between
        assert listed(api, filter=f"updatedAfter > {between}") == ["weather-2"]
        assert listed(api, filter="createdAfter > 2021-01-01") == []


class TestList:
    def test_it_has_entries_and_their_number(self, api: APIClient, register: Register) -> None:
        register("a", agent_card=CARD)
        register("b")
        AgentFactory.create(agent_id="dead", expired=True)
        AgentFactory.create(agent_id="without-an-entry", tags=["old"])

        answer = api.get("/ard/agents").json()

        check_entries(answer["items"])
        assert [entry["displayName"] for entry in answer["items"]] == ["a", "b", "without-an-entry"]
        assert answer["items"][2]["tags"] == ["old"]
        assert (answer["total"], answer.keys()) == (3, {"items", "total"})
        assert listed(api, filter="tags = old") == ["without-an-entry"]

    @pytest.mark.parametrize(
        ("order", "expected"),
        [
            ("", "abc"),
            ("identifier DESC", "cba"),
            ("displayName", "bca"),
            ("name desc", "acb"),
            ("createdAt", "abc"),
            ("updatedAt DESC", "acb"),
            ("updated_at ASC, name", "bca"),
        ],
    )
    def test_pages_follow_the_order(
        self, api: APIClient, register: Register, order: str, expected: str
    ) -> None:
        for agent_id in "abca":
            register(agent_id, agent_name={"a": "Z", "b": "X", "c": "Y"}[agent_id])
        query = {"pageSize": 2} | ({"orderBy": order} if order else {})

        first = api.get("/ard/agents", query)
        second = api.get("/ard/agents", {**query, "pageToken": first.json()["pageToken"]})

        assert "".join(names(first, "items") + names(second, "items")) == expected
        assert "pageToken" not in second.json()

    def test_what_is_wrong_is_refused_by_name(self, api: APIClient, register: Register) -> None:
        for agent_id in "ab":
            register(agent_id)
        token = api.get("/ard/agents", {"pageSize": 1}).json()["pageToken"]

        for query, field in (
            ({"pageSize": 101}, "pageSize"),
            ({"orderBy": "host"}, "orderBy"),
            ({"orderBy": "name UP"}, "orderBy"),
            ({"pageToken": "x"}, "pageToken"),
            ({"pageToken": token, "orderBy": "name"}, "pageToken"),
            ({"limit": 1}, "limit"),
        ):
            assert_invalid(api.get("/ard/agents", query), field)


class TestExplore:
    def test_values_are_counted_among_all_the_living(
        self, api: APIClient, register: Register
    ) -> None:
        register("a", tags=["x", "y"], skills=["s"], version="1", metadata={"region": "eu", "n": 1})
        register("b", tags=["x"], version="1", metadata={"region": "eu", "n": {}}, agent_card=CARD)
        AgentFactory.create(agent_id="dead", expired=True, tags=["x"])
        AgentFactory.create(agent_id="old", tags=["x"])

        assert explore(
            api, "type", "publisher", "tags", "capabilities", "version", "metadata.region"
        ) == {
            "type": {AGENT_CARD: 3},
            "publisher": {"agent.localhost": 3},
            "tags": {"x": 3, "climate": 1, "y": 1},
            "capabilities": {"forecast": 1, "s": 1},
            "version": {"1": 2},
            "metadata.region": {"eu": 2},
        }
        assert explore(api, "metadata.n", "metadata.condition", "displayName") == {
            "metadata.n": {"1": 1},
            "metadata.condition": {"alive": 3},
            "displayName": {"a": 1, "b": 1, "old": 1},
        }

    def test_a_query_narrows_what_is_counted_as_a_search_does(
        self, api: APIClient, register: Register
    ) -> None:
        register("weather-1", tags=["eu"])
        register("weather-2", tags=["us"])
        register("chess", tags=["eu"])

        assert explore(api, "tags", query={"text": "weather"}) == {"tags": {"eu": 1, "us": 1}}
        assert explore(api, "tags", query={"text": "weather", "filter": {"tags": ["eu"]}}) == {
            "tags": {"eu": 1}
        }
        assert explore(api, "tags", query={"text": "zzz"}) == {"tags": {}}
        assert explore(api, "type", query={"filter": {"tags": "none"}}) == {"type": {}}

    def test_a_facet_has_the_most_frequent_values_and_the_number_of_the_others(
        self, api: APIClient, register: Register
    ) -> None:
        for number, tags in enumerate((["x", "y"], ["x", "z"], ["x", "y", "w"])):
            register(f"a{number}", tags=tags)
        facets = [{"field": "tags", "limit": 1}]
        [wide] = [{"field": "tags", "limit": 1, "minCount": 2}]

        answer = api.post("/ard/explore", {"resultType": {"facets": facets}}).json()
        limited = api.post("/ard/explore", {"resultType": {"facets": [wide]}}).json()

        buckets = [{"value": "x", "count": 3}]
        assert answer == {
            "resultType": "facets",
            "facets": {"tags": {"buckets": buckets, "otherCount": 4}},
        }
        assert limited["facets"]["tags"] == {"buckets": buckets, "otherCount": 2}

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "resultType"),
            ({"resultType": {}}, "resultType.facets"),
            ({"resultType": {"facets": []}}, "resultType.facets"),
            ({"resultType": {"facets": [{"field": "x"}]}}, "resultType.facets[0].field"),
            ({"resultType": {"facets": [{"field": "identifier"}]}}, "resultType.facets[0].field"),
            (
                {"resultType": {"facets": [{"field": "tags", "limit": 0}]}},
                "resultType.facets[0].limit",
            ),
            ({"resultType": {"facets": [{"field": "tags"}]}, "federation": "auto"}, "federation"),
        ],
    )
    def test_what_is_wrong_is_refused_by_name(
        self, api: APIClient, body: dict[str, Any], field: str
    ) -> None:
        assert_invalid(api.post("/ard/explore", body), field)


class TestTokens:
    def test_reading_needs_a_token_that_may_read(self, api: APIClient, settings: Any) -> None:
        settings.REGISTRY_AUTH = "token"

        answer = search(api)

        assert (answer.status_code, answer.json()["errorCode"]) == (401, "UNAUTHENTICATED")
        assert api.get("/ard/agents").status_code == 401
        assert api.post("/ard/explore", {}).status_code == 401

        settings.REGISTRY_PUBLIC_READ = True
        assert search(api).status_code == 200
        assert api.get("/ard/agents").status_code == 200
