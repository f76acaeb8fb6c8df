"""Catalogs, searches and cards from outside, through the real server."""

import asyncio
from typing import Any

import pytest
from a2a_registry import AgentCard, AgentInterface, RegistryClient

from tests import plain_http
from tests.agents.api.catalog_rules import check_entries, check_manifest, check_results
from tests.agents.discovery.corpus import cards
from tests.processes import wait_until
from tests.registry_project.server.registry_web import RegistryWeb

SOME = ("weather-eu", "translator-pro", "flight-search", "code-review", "fx-rates")


def get(web: RegistryWeb, path: str, **parameters: Any) -> Any:
    return plain_http.get(f"{web.url}{path}", params=parameters).raise_for_status().json()


def search(web: RegistryWeb, text: str) -> Any:
    body = {"query": {"text": text}, "federation": "none", "pageSize": 2}
    return plain_http.post(f"{web.url}/ard/search", json=body).raise_for_status().json()


def in_catalog(web: RegistryWeb) -> set[str]:
    _, *entries = get(web, "/.well-known/ai-catalog.json")["entries"]
    return {entry["metadata"]["agentId"] for entry in entries}


def test_what_the_conformance_tool_asks_for_is_answered_as_it_should_be(
    each_web: RegistryWeb,
) -> None:
    found = cards()
    for agent_id in SOME:
        each_web.register(agent_id, agent_card=found[agent_id], ttl_seconds=3600)

    check_manifest(get(each_web, "/.well-known/ai-catalog.json"))
    check_entries(get(each_web, "/ard/agents")["items"])
    answer = search(each_web, "weather forecast tools")
    check_results(answer)
    assert answer["results"][0]["displayName"] == "weather-eu"
    wanted = {"query": {"text": "weather"}, "resultType": {"facets": [{"field": "type"}]}}
    counted = plain_http.post(f"{each_web.url}/ard/explore", json=wanted).json()
    assert counted["resultType"] == "facets"
    assert counted["facets"]["type"]["buckets"][0]["count"] >= 1


def test_an_agent_that_dies_leaves_catalog_search_and_cards(each_web: RegistryWeb) -> None:
    card = {"name": "Mayfly", "description": "Lives for a second."}
    each_web.register("mayfly", agent_card=card, ttl_seconds=1)

    def is_gone() -> bool:
        lists = (
            in_catalog(each_web),
            [one["metadata"]["agentId"] for one in search(each_web, "mayfly")["results"]],
            [one["name"] for one in get(each_web, "/.well-known/agents")],
        )
        return not any({"mayfly", "Mayfly"} & {*found} for found in lists)

    wait_until(is_gone, "the end of the lease")
    # The record is still there: nothing has purged it.
    assert each_web.agent("mayfly")["is_alive"] is False


@pytest.mark.parametrize("version", ["1.0", "0.3"])
def test_the_client_of_oo_a2a_registry_registers_and_renews(
    each_web: RegistryWeb, version: str
) -> None:
    url = f"http://agent-of-{version}.example:8080/a2a"
    interface = AgentInterface(url=url, protocolBinding="JSONRPC", protocolVersion="1.0")
    card = AgentCard(name=f"Agent of {version}", supportedInterfaces=[interface])
    client = RegistryClient(each_web.url, card, interval=20, a2a_version=version)

    answers = [asyncio.run(client.send_once()) for _ in range(2)]

    assert [answer and (answer.status, answer.verified) for answer in answers] == [("ok", True)] * 2
    assert client.interval == 20
    listed = [AgentCard.model_validate(one) for one in get(each_web, "/.well-known/agents")]
    [known] = [one for one in listed if one.name == card.name]
    assert known.effective_url == url
    [agent_id] = [one for one in in_catalog(each_web) if one.startswith(f"agent-of-{version}")]
    agent = each_web.agent(agent_id)
    assert (agent["host"], agent["port"], agent["ttl_seconds"]) == (
        f"agent-of-{version}.example",
        8080,
        60,
    )
    assert agent["last_heartbeat"] > agent["registered_at"]
    assert search(each_web, card.name)["results"][0]["metadata"]["agentId"] == agent_id
