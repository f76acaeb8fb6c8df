"""``GET /agents`` and ``GET /agents/{agent_id}``."""

import functools
import operator
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from agents.models import AgentRecord
from tests.agents.conftest import Register
from tests.agents.discovery.listing import next_page
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


def listed(api: APIClient, query: str = "") -> list[str]:
    answer = api.get(f"/agents{query}")
    assert answer.status_code == 200, answer.content
    return [agent["agent_id"] for agent in answer.json()]


def test_an_empty_registry_lists_nothing(api: APIClient) -> None:
    assert api.get("/agents").json() == []


def test_agents_alive_are_listed_in_the_order_of_their_ids(api: APIClient) -> None:
    for agent_id in ("b", "c", "a"):
        AgentFactory.create(agent_id=agent_id)
    AgentFactory.create(agent_id="dead", expired=True)

    assert listed(api) == ["a", "b", "c"]
    assert listed(api, "/") == ["a", "b", "c"]


def test_expired_agents_are_listed_on_request_and_marked(api: APIClient) -> None:
    AgentFactory.create(agent_id="alive")
    AgentFactory.create(agent_id="dead", expired=True)

    answer = api.get("/agents?include_dead=true")

    assert {agent["agent_id"]: agent["is_alive"] for agent in answer.json()} == {
        "alive": True,
        "dead": False,
    }
    assert listed(api, "?include_dead=1") == ["alive", "dead"]
    assert listed(api, "?include_dead=false") == ["alive"]


def test_a_single_agent_is_returned_even_if_expired(api: APIClient) -> None:
    AgentFactory.create(agent_id="dead", expired=True)

    answer = api.get("/agents/dead")

    assert answer.status_code == 200
    assert answer.json()["is_alive"] is False


@pytest.mark.parametrize("agent_id", ["unknown", "register", "heartbeat", "a%00", "x" * 300])
def test_an_unknown_agent_is_404(api: APIClient, agent_id: str) -> None:
    answer = api.get(f"/agents/{agent_id}")

    assert answer.status_code in {404, 405}
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_pages_contain_every_agent_once(api: APIClient) -> None:
    agents = AgentFactory.create_batch(7)
    seen = []
    page: str | None = "/agents?limit=3&include_dead=true"
    while page is not None:
        answer = api.get(page)
        assert len(answer.json()) <= 3
        seen.append([agent["agent_id"] for agent in answer.json()])
        page = next_page(answer)

    assert [len(ids) for ids in seen] == [3, 3, 1]
    assert functools.reduce(operator.iadd, seen, []) == sorted(agent.agent_id for agent in agents)


def test_a_full_last_page_has_no_next_link(api: APIClient) -> None:
    AgentFactory.create_batch(3)

    assert next_page(api.get("/agents?limit=3")) is None
    assert next_page(api.get("/agents?limit=2")) is not None


def test_the_next_page_is_right_after_the_fleet_has_changed(api: APIClient) -> None:
    agents = AgentFactory.create_batch(4)
    page = next_page(api.get("/agents?limit=2"))
    assert page is not None
    agents[1].delete()
    AgentFactory.create(agent_id="0-before")
    AgentFactory.create(agent_id="z-after")

    assert (
        listed(api, page.removeprefix("/agents"))
        == [
            agents[2].agent_id,
            agents[3].agent_id,
        ][:2]
    )


def test_the_next_page_keeps_the_filters(api: APIClient) -> None:
    AgentFactory.create_batch(3, tags=["eu & us", "x"])
    AgentFactory.create_batch(3, tags=["x"])

    query = f"?limit=2&tag={quote('eu & us')}&tag=x"
    page = next_page(api.get(f"/agents{query}"))

    assert page is not None
    assert len(listed(api, page.removeprefix("/agents"))) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("limit=many", "limit"),
        ("cursor=%00", "cursor"),
        ("cursor=!!!", "cursor"),
        ("cursor=w7w=", "cursor"),
        ("include_dead=perhaps", "include_dead"),
        ("status=asleep", "status"),
        ("state=asleep", "state"),
        ("search=%00", "search"),
        ("tag=%00", "tag"),
        (f"search={'x' * 257}", "search"),
    ],
)
def test_bad_parameters_are_refused_by_name(api: APIClient, query: str, field: str) -> None:
    answer = api.get(f"/agents?{query}")

    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {field}


def test_filters_narrow_the_listing(api: APIClient, register: Register) -> None:
    register("a", tags=["eu", "gpu"], skills=["forecast"], status="ready")
    register("b", tags=["eu"], skills=["forecast", "translate"], status="busy")
    register("c", agent_name="Grüße", host="gpu.example", metadata={"tags": ["eu"]})

    assert listed(api, "?tag=eu") == ["a", "b"]
    assert listed(api, "?tag=eu&tag=gpu") == ["a"]
    assert listed(api, "?tag=e") == []
    assert listed(api, "?skill=translate") == ["b"]
    assert listed(api, "?status=ready") == ["a"]
    assert listed(api, "?status=") == ["a", "b", "c"]
    assert listed(api, "?state=active&status=busy") == ["b"]
    assert listed(api, "?state=draining") == []
    assert listed(api, "?search=GPU") == ["c"]
    assert listed(api, f"?search={quote('Grüße')}") == ["c"]
    assert listed(api, "?search=%25") == []
    assert listed(api, "?search=B&tag=eu&skill=forecast") == ["b"]


@pytest.mark.parametrize("name", ["'", '"', "\\", "%", "{}", "a,b", "☂", "x" * 64])
def test_tags_with_special_characters_can_be_filtered(
    api: APIClient, register: Register, name: str
) -> None:
    register("a", tags=[name, "other"])
    register("b", tags=["other"])

    assert listed(api, f"?tag={quote(name)}") == ["a"]


def test_an_unchanged_page_is_answered_with_304(api: APIClient, register: Register) -> None:
    register("a")
    etag = api.get("/agents").headers["ETag"]

    unchanged = api.get("/agents", headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")

    register("b")
    changed = api.get("/agents", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag


def test_a_page_of_any_length_takes_one_query_of_the_agents(api: APIClient) -> None:
    AgentFactory.create_batch(20)

    with CaptureQueriesContext(connection) as queries:
        assert len(listed(api, "?search=agent&tag=")) == 20

    assert len([query for query in queries if AgentRecord._meta.db_table in query["sql"]]) == 1
    assert len(queries) <= 3  # with those of the cursor for a watch


def test_a_browser_gets_html(api: APIClient, register: Register) -> None:
    register("a")

    for path in ("/agents", "/agents/a"):
        answer = api.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/html")
        assert b"&quot;agent_id&quot;: &quot;a&quot;" in answer.content


def test_the_html_page_links_to_the_login_and_back(api: APIClient, admin_client: Client) -> None:
    html = {"Accept": "text/html"}
    address = "/agents?limit=5&tag=a"

    page = Client().get(address, headers=html).content.decode()
    assert f"/admin/login/?next={quote(address, safe='/')}" in page
    assert "<strong>admin</strong>" in admin_client.get(address, headers=html).content.decode()
