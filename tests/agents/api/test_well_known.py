"""The catalog at its well-known address, and the cards of agents."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from agents.discovery.catalog import manifest
from agents.models import AgentEvent, AgentRecord
from agents.tokens import access as access_tokens
from tests.agents.api.catalog_rules import check_manifest
from tests.agents.conftest import Register
from tests.agents.discovery.listing import next_page
from tests.agents.passing_time import fleet, time_passes

pytestmark = pytest.mark.django_db

CATALOG = "/.well-known/ai-catalog.json"
CARDS = "/.well-known/agents"
HEARTBEAT = "/.well-known/agents/heartbeat"
NEW = {
    "name": "Weather",
    "version": "1.2",
    "supportedInterfaces": [
        {"url": "http://w.example/a2a", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"},
        {"url": "http://w.example:81/", "protocolBinding": "GRPC", "protocolVersion": "1.0"},
    ],
    "skills": [{"id": "forecast", "name": "Forecast", "tags": ["rain"]}],
    "securityRequirements": [{"schemes": {"bearer": {"list": []}}}],
    "signatures": [{"protected": "x", "signature": "y"}],
}
OLD = {
    "name": "Chess",
    "protocolVersion": "0.3.0",
    "url": "https://c.example/a2a",
    "preferredTransport": "JSONRPC",
    "additionalInterfaces": [
        {"url": "https://c.example/a2a", "transport": "JSONRPC"},
        {"url": "https://c.example/rest", "transport": "HTTP+JSON"},
    ],
    "security": [{"bearer": []}],
}


def catalog(api: APIClient, url: str = CATALOG) -> Any:
    answer = api.get(url)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/ai-catalog+json"
    check_manifest(answer.json())
    return answer.json()


def ids(entries: Any) -> list[str]:
    return [entry["metadata"]["agentId"] for entry in entries]


def cards(api: APIClient, url: str = CARDS, **headers: str) -> list[Any]:
    answer = api.get(url, headers=headers)
    assert answer.status_code == 200, answer.content
    found: list[Any] = answer.json()
    return found


def announce(api: APIClient, card: Any, **more: Any) -> Any:
    return api.post(HEARTBEAT, {"agent_card": card, **more})


class TestCatalog:
    def test_it_has_the_registry_and_the_living(self, api: APIClient, register: Register) -> None:
        register("dead", ttl_seconds=10)
        register("a.b:c", agent_card=NEW)
        register("::")
        time_passes(10)

        registry, *agents = catalog(api)["entries"]

        assert registry["type"] == "application/ai-registry+json"
        assert registry["url"] == "http://localhost:9000/ard"
        assert [entry["identifier"] for entry in agents] == [
            "urn:air:agent.localhost:agent-hex:3a3a",
            "urn:air:agent.localhost:agent:a.b:c",
        ]

    def test_the_publisher_is_a_setting(
        self, api: APIClient, register: Register, settings: Any
    ) -> None:
        settings.REGISTRY_PUBLISHER = "acme.example"
        register("a")

        found = catalog(api)

        assert found["host"]["identifier"] == "acme.example"
        assert found["entries"][1]["identifier"] == "urn:air:acme.example:agent:a"

    def test_a_large_fleet_is_in_nested_catalogs(
        self, api: APIClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(manifest, "MOST_ENTRIES", 3)
        living = fleet(8)

        registry, *nested = catalog(api)["entries"]

        assert registry["type"] == "application/ai-registry+json"
        assert {entry["type"] for entry in nested} == {"application/ai-catalog+json"}
        pages = [
            catalog(api, entry["url"].removeprefix("http://localhost:9000")) for entry in nested
        ]
        assert [ids(page["entries"]) for page in pages] == [living[:3], living[3:6], living[6:]]

    def test_a_nested_catalog_that_has_grown_is_nested_again(
        self, api: APIClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(manifest, "MOST_ENTRIES", 2)
        first, *_, last = fleet(5)

        inner = catalog(api, f"{CATALOG}?first={first}&before={last}")["entries"]

        assert [entry["type"] for entry in inner] == ["application/ai-catalog+json"] * 2

    def test_unknown_parameters_are_refused(self, api: APIClient) -> None:
        answer = api.get(f"{CATALOG}?page=2")

        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["page"])

    def test_reading_needs_a_token_that_may_read(self, api: APIClient, settings: Any) -> None:
        settings.REGISTRY_AUTH = "token"

        assert [api.get(url).status_code for url in (CATALOG, CARDS)] == [401, 401]


class TestCards:
    def test_cards_of_the_living_come_as_they_were_registered(
        self, api: APIClient, register: Register
    ) -> None:
        register("dead", ttl_seconds=10, agent_card={"name": "Dead"})
        register("b", agent_card=NEW)
        register("a", metadata={"agent_card": OLD, "card": 1})
        register("without")
        register("no-card", metadata={"card": "text"})
        time_passes(10)

        assert cards(api) == [OLD, NEW]

    def test_a_link_leads_to_the_next_page(self, api: APIClient, register: Register) -> None:
        for name in "abc":
            register(name, agent_card={"name": name})

        first = api.get(f"{CARDS}?limit=2")
        second = api.get(str(next_page(first)))

        assert [card["name"] for card in first.json() + second.json()] == ["a", "b", "c"]
        assert next_page(second) is None

    def test_a_card_is_changed_into_the_version_that_is_asked_for(
        self, api: APIClient, register: Register
    ) -> None:
        register("a", agent_card=NEW)
        register("b", agent_card=OLD)
        both = {"url": "http://x.example", "supportedInterfaces": [{"url": "http://x.example"}]}
        register("c", agent_card=both)
        register("d", agent_card={"name": "Nowhere", "supportedInterfaces": "?", "url": 1})

        old = cards(api, A2A_Version="0.3")
        new = cards(api, A2A_Version="1.0")

        assert old[0] == {
            "name": "Weather",
            "version": "1.2",
            "skills": NEW["skills"],
            "protocolVersion": "0.3.0",
            "url": "http://w.example/a2a",
            "preferredTransport": "JSONRPC",
            "additionalInterfaces": [{"url": "http://w.example:81/", "transport": "GRPC"}],
            "security": NEW["securityRequirements"],
        }
        assert new[1] == {
            "name": "Chess",
            "supportedInterfaces": [
                {
                    "url": "https://c.example/a2a",
                    "protocolBinding": "JSONRPC",
                    "protocolVersion": "0.3",
                },
                {
                    "url": "https://c.example/rest",
                    "protocolBinding": "HTTP+JSON",
                    "protocolVersion": "0.3",
                },
            ],
            "securityRequirements": [{"bearer": []}],
        }
        assert (old[1], new[0]) == (OLD, NEW)
        assert old[2:] == new[2:]
        assert [card.get("name") for card in old[2:]] == [None, "Nowhere"]

    def test_an_unknown_version_is_refused(self, api: APIClient) -> None:
        answer = api.get(CARDS, headers={"A2A-Version": "2.0"})

        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["A2A-Version"])
        assert api.get(CARDS, headers={"A2A-Version": "1"}).status_code == 200


class TestOneCard:
    def test_a_card_has_an_address_of_its_own(self, api: APIClient, register: Register) -> None:
        register("a", agent_card=NEW)
        time_passes(60)

        answer = api.get("/agents/a/card")

        assert answer["Content-Type"] == "application/a2a-agent-card+json"
        assert answer.json() == NEW

    def test_an_agent_without_a_card_is_404(self, api: APIClient, register: Register) -> None:
        register("a")

        assert [api.get(f"/agents/{name}/card").status_code for name in "ab"] == [404, 404]


class TestHeartbeats:
    def test_the_first_one_registers(self, api: APIClient) -> None:
        answer = announce(api, NEW, interval=20)

        assert (answer.status_code, answer.json()) == (202, {"status": "ok", "verified": True})
        assert answer["Retry-After"] == "20"
        agent = AgentRecord.objects.get()
        assert agent.agent_id.startswith("w.example-a2a-")
        assert (agent.host, agent.port, agent.ttl_seconds) == ("w.example", 80, 60)
        assert (agent.agent_name, agent.version) == ("Weather", "1.2")
        assert (agent.tags, agent.skills) == (["rain"], ["forecast"])
        assert cards(api) == [NEW]

    def test_a_later_one_renews(self, api: APIClient) -> None:
        announce(api, NEW)
        time_passes(100)
        before = AgentRecord.objects.get()

        announce(api, NEW)

        after = AgentRecord.objects.get()
        assert after.generation == before.generation
        assert after.last_heartbeat > before.last_heartbeat
        assert AgentEvent.objects.count() == 1

    @pytest.mark.parametrize("change", [{"version": "2"}, {"description": "New"}])
    def test_a_changed_card_registers_again(self, api: APIClient, change: Any) -> None:
        announce(api, NEW)

        announce(api, NEW | change)

        assert cards(api) == [NEW | change]
        assert AgentRecord.objects.count() == 1
        assert AgentEvent.objects.count() == 2

    def test_another_interval_registers_again(self, api: APIClient) -> None:
        announce(api, NEW, interval=20)
        announce(api, NEW, interval=30)

        assert AgentRecord.objects.get().ttl_seconds == 90

    def test_an_agent_that_falls_silent_is_no_longer_listed(self, api: APIClient) -> None:
        announce(api, NEW, interval=20)
        time_passes(60)

        assert cards(api) == []

    def test_an_agent_of_a2a_0_3_is_at_its_url(self, api: APIClient) -> None:
        announce(api, OLD)

        agent = AgentRecord.objects.get()
        assert (agent.host, agent.port) == ("c.example", 443)

    def test_agents_at_different_addresses_have_different_ids(self, api: APIClient) -> None:
        for url in ("http://a.example/x/y", "http://a.example/x-y", "http://[::1]:81/" + "x" * 300):
            assert announce(api, {"name": "A", "url": url}).status_code == 202

        assert AgentRecord.objects.count() == 3

    def test_a_longer_interval_than_a_lease_can_have_is_shortened(self, api: APIClient) -> None:
        answer = announce(api, NEW, interval=1_000_000)

        assert answer["Retry-After"] == "28800"
        assert AgentRecord.objects.get().ttl_seconds == 86_400

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "agent_card"),
            ({"agent_card": {"name": "A"}}, "agent_card"),
            ({"agent_card": {"url": "ftp://a.example"}}, "agent_card"),
            ({"agent_card": {"url": "http://a.example:x"}}, "agent_card"),
            ({"agent_card": {"url": "http://0.0.0.0"}}, "agent_card"),
            ({"agent_card": {"url": "/a2a"}}, "agent_card"),
            ({"agent_card": {"url": "http://a.example", "x": "y" * 17_000}}, "agent_card"),
            ({"agent_card": NEW, "interval": 0}, "interval"),
            ({"agent_card": NEW, "ttl": 1}, "ttl"),
        ],
    )
    def test_what_is_wrong_is_refused_by_name(
        self, api: APIClient, body: dict[str, Any], field: str
    ) -> None:
        answer = api.post(HEARTBEAT, body)

        assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
        assert not AgentRecord.objects.exists()

    def test_in_token_mode_it_needs_a_token_that_may_register(
        self, api: APIClient, settings: Any
    ) -> None:
        settings.REGISTRY_AUTH = "token"
        assert announce(api, NEW).status_code == 401

        terms: dict[str, Any] = {"name": "t", "actor": "command"}
        _, reading = access_tokens.issue(**terms, may_register=False, may_read=True)
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {reading}")
        assert announce(api, NEW).status_code == 403

        _, other = access_tokens.issue(**terms, agent_prefix="team-")
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {other}")
        assert announce(api, NEW).status_code == 403

        _, first = access_tokens.issue(**terms)
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {first}")
        assert [announce(api, NEW).status_code for _ in range(2)] == [202, 202]
        assert AgentEvent.objects.filter(kind="registered").count() == 1

        _, second = access_tokens.issue(**terms)
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {second}")
        assert announce(api, NEW).status_code == 409

    @pytest.mark.usefixtures("fresh_counts")
    def test_its_calls_have_the_rates_of_registering(self, api: APIClient, settings: Any) -> None:
        settings.RATE_REGISTER_PER_ADDRESS = "2/minute"

        statuses = [announce(api, NEW).status_code for _ in range(3)]

        assert statuses == [202, 202, 429]
