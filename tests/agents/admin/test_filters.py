"""The filters of the agent list."""

import html as html_module
import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.test import Client
from django.utils import timezone

from agents.admin.agents.listing.filters import LIST_FILTER
from agents.discovery.filters import FILTERS
from tests.agents.admin.agent_list import AGENTS, HOSTILE, listed, page
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

NAMES = ["q", "tag", "skill", "version", "host", "liveness", "state__exact", "status__exact"]
NAMES += ["enrolled_by__exact", "condition", "name", "meta"]


def text(client: Client, **query: Any) -> str:
    return html_module.unescape(page(client, **query))


@pytest.mark.parametrize("parameter", ["tag", "skill"])
def test_an_agent_must_have_all_given_tags_or_skills(admin_client: Client, parameter: str) -> None:
    field = f"{parameter}s"
    AgentFactory.create(agent_id="both", **{field: ["eu", "gpu"]})
    AgentFactory.create(agent_id="one", **{field: ["eu"]})
    AgentFactory.create(agent_id="like", **{field: ["eu-west"]})

    assert listed(admin_client, **{parameter: "eu"}) == ["both", "one"]
    assert listed(admin_client, **{parameter: ["eu", "gpu"]}) == ["both"]
    assert listed(admin_client, **{parameter: "EU"}) == []
    assert listed(admin_client, **{parameter: ""}) == ["both", "like", "one"]


@pytest.mark.parametrize("parameter", ["version", "host"])
def test_versions_and_hosts_match_exactly(admin_client: Client, parameter: str) -> None:
    AgentFactory.create(agent_id="a", **{parameter: "1.2"})
    AgentFactory.create(agent_id="b", **{parameter: "1.20"})

    assert listed(admin_client, **{parameter: "1.2"}) == ["a"]
    assert listed(admin_client, **{parameter: ["1.20", "1.2"]}) == ["a"]  # the last one counts


def test_the_list_can_be_filtered_by_liveness_state_and_status(admin_client: Client) -> None:
    soon = timezone.now() - timedelta(seconds=50)
    AgentFactory.create(agent_id="a", state="draining")
    AgentFactory.create(agent_id="b", expired=True, state="draining", status="busy")
    AgentFactory.create(agent_id="c", status="busy", last_heartbeat=soon)

    assert listed(admin_client) == ["b", "a", "c"]  # the worst first
    assert listed(admin_client, liveness="alive") == ["a", "c"]
    assert listed(admin_client, liveness="expiring-soon") == ["c"]
    assert listed(admin_client, liveness="expired") == ["b"]
    assert listed(admin_client, liveness="nonsense") == []
    assert listed(admin_client, state__exact="draining") == ["b", "a"]
    assert listed(admin_client, status__exact="busy") == ["b", "c"]
    assert listed(admin_client, status__exact="busy", liveness="alive") == ["c"]


def test_filters_combine(admin_client: Client) -> None:
    AgentFactory.create(agent_id="weather-1", tags=["eu"], version="1", state="draining")
    AgentFactory.create(agent_id="weather-2", tags=["eu"], version="2", state="draining")
    AgentFactory.create(agent_id="ledger-1", tags=["eu"], version="1", state="draining")

    found = listed(admin_client, q="weather", tag="eu", version="1", state__exact="draining")

    assert found == ["weather-1"]


def test_each_active_filter_has_a_link_that_clears_it(admin_client: Client) -> None:
    query = {"q": "x", "tag": ["eu", "gpu"], "liveness": "alive", "o": "1"}

    html = text(admin_client, **query)

    found = {
        label: parse_qsl(query)
        for query, label in re.findall(r'<a href="\?([^"]*)" aria-label="Clear ([^"]+)"', html)
    }
    rest = {
        "search x": {("tag", "eu"), ("tag", "gpu"), ("liveness", "alive"), ("o", "1")},
        "tag eu": {("q", "x"), ("tag", "gpu"), ("liveness", "alive"), ("o", "1")},
        "tag gpu": {("q", "x"), ("tag", "eu"), ("liveness", "alive"), ("o", "1")},
        "liveness alive": {("q", "x"), ("tag", "eu"), ("tag", "gpu"), ("o", "1")},
    }
    assert {label: set(pairs) for label, pairs in found.items()} == rest


def test_values_in_a_row_link_to_the_list_with_that_filter_added(admin_client: Client) -> None:
    AgentFactory.create(tags=["eu", "gpu"], skills=["fly"], version="1.2", host="h")

    html = text(admin_client, q="agent", tag="eu", version="1.2")

    links = r'<a class="(?:agent-chip|fleet-narrow)[^"]*" href="\?([^"]*)"[^>]*>([^<]*)</a>'
    chips = re.findall(links, html)
    assert {label: set(parse_qsl(query)) for query, label in chips} == {
        "1.2": {("q", "agent"), ("tag", "eu"), ("version", "1.2")},
        "eu": {("q", "agent"), ("tag", "eu"), ("version", "1.2")},
        "gpu": {("q", "agent"), ("tag", "eu"), ("tag", "gpu"), ("version", "1.2")},
        "fly": {("q", "agent"), ("tag", "eu"), ("skill", "fly"), ("version", "1.2")},
        "h": {("q", "agent"), ("tag", "eu"), ("host", "h"), ("version", "1.2")},
    }


@pytest.mark.parametrize("form", ["facets-typed", "changelist-search"])
def test_the_forms_keep_the_active_filters(admin_client: Client, form: str) -> None:
    html = text(admin_client, q="x", tag=["eu", "gpu"], state__exact="draining", o="-left", p="3")

    [inside] = re.findall(rf'<form (?:class|id)="{form}".*?</form>', html, re.DOTALL)
    hidden = set(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', inside))
    kept = {("tag", "eu"), ("tag", "gpu"), ("state__exact", "draining"), ("o", "-left")}
    assert hidden == (kept | {("q", "x")} if form == "facets-typed" else kept)


def test_sorting_and_paging_keep_every_tag(admin_client: Client) -> None:
    AgentFactory.create_batch(101, tags=["eu", "gpu"])

    html = text(admin_client, tag=["eu", "gpu"])

    for query in re.findall(r'href="\?([^"]*(?:p=2|o=load)[^"]*)"', html):
        assert {("tag", "eu"), ("tag", "gpu")} <= set(parse_qsl(query))


def test_an_empty_result_shows_the_filters_and_how_to_clear_them(admin_client: Client) -> None:
    AgentFactory.create()

    html = text(admin_client, tag="nothing", q="agent")

    assert "No matching agents." in html
    assert "tag “nothing”" in html
    assert '(<a href="?q=agent">clear</a>)' in html
    assert "agents/register" not in html


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "value",
    [
        "a\0b",
        "\0",
        "x" * 5000,
        "word " * 1000,
        "a\nb\r\x1b[31m",
        "\u202eevil",
        "[",
        "'\"%_\\",
        "-1",
    ],
    ids=["nul within", "nul", "long", "words", "controls", "rtl", "bracket", "quotes", "number"],
)
def test_impossible_values_match_nothing(admin_client: Client, name: str, value: str) -> None:
    AgentFactory.create(agent_id="a")

    assert listed(admin_client, **{name: value}) in ([], ["a"] if value == "-1" else [])


@pytest.mark.parametrize("name", ["o", "p", "e", "all", "_facets"])
@pytest.mark.parametrize("value", ["\0", "9" * 400, "1." * 2500, "-1", "x", ""])
def test_bad_display_parameters_are_no_error(admin_client: Client, name: str, value: str) -> None:
    AgentFactory.create_batch(3)

    response = admin_client.get(AGENTS, {name: value}, follow=True)

    assert response.status_code == 200
    assert len(response.context["cl"].result_list) == 3


def test_an_impossible_value_shows_the_reason(admin_client: Client) -> None:
    assert "no more than 64 characters" in text(admin_client, tag="v" * 65)
    assert "Null characters are not allowed." in text(admin_client, tag="a\0b")
    assert "“>=x” has no version" in text(admin_client, version=">=x")
    assert "“asleep” is unknown. Choose from: active" in text(admin_client, state__exact="asleep")
    assert "Give KEY=VALUE." in text(admin_client, meta="region")


def test_metadata_and_ranges_of_versions_filter_as_in_the_api(admin_client: Client) -> None:
    AgentFactory.create(agent_id="a", version="1.9", metadata={"region": "eu", "gpu": {"n": 2}})
    AgentFactory.create(agent_id="b", version="1.10", metadata={"region": "eu"}, agent_name="x")

    assert listed(admin_client, version=">=1.2,<1.10") == ["a"]
    assert listed(admin_client, meta="region=eu") == ["a", "b"]
    assert listed(admin_client, meta=["region=eu", "gpu.n=2"]) == ["a"]
    assert listed(admin_client, meta="gpu.n=3") == []
    assert listed(admin_client, name="x") == ["b"]


def test_agents_are_filtered_by_condition(admin_client: Client) -> None:
    AgentFactory.create(agent_id="a")
    AgentFactory.create(agent_id="b", status="degraded")
    AgentFactory.create(agent_id="c", expired=True, status="degraded")

    assert listed(admin_client, condition="degraded") == ["b"]
    assert listed(admin_client, condition="expired") == ["c"]
    assert 'href="?condition=degraded"' in page(admin_client)


def test_every_filter_of_the_api_is_in_the_admin(admin_client: Client) -> None:
    shown = {name.removesuffix("__exact") for name in NAMES} - {"q"} | {"search", "meta"}

    assert {one.name for one in FILTERS} <= shown
    assert {spec.parameter_name for spec in LIST_FILTER} | {"q", "enrolled_by__exact"} == {*NAMES}


def test_values_of_active_filters_are_escaped(admin_client: Client) -> None:
    raw = page(admin_client, **dict.fromkeys(NAMES, HOSTILE))

    assert "<script>alert" not in raw
    assert raw.count("&lt;script&gt;alert(1)") >= len(NAMES)


def test_agents_are_found_in_any_case(admin_client: Client) -> None:
    AgentFactory.create(agent_id="a", agent_name="Агент Москва")
    AgentFactory.create(agent_id="b", agent_name="Агент Тула")

    assert listed(admin_client, q="агент МОСКВА") == ["a"]


@pytest.mark.parametrize("text", ["WEATHER", "Köln", "node-7", "1.e"])
def test_the_search_covers_ids_names_and_hosts(admin_client: Client, text: str) -> None:
    AgentFactory.create(agent_id="weather-1", agent_name="Köln's own", host="node-7.example")
    AgentFactory.create(agent_id="x-1.e" if text == "1.e" else "other")

    found = listed(admin_client, q=text)

    assert found == (["x-1.e"] if text == "1.e" else ["weather-1"])
