"""The export of the agent list."""

import csv
import io
import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.admin.agents.listing import export as exporting
from tests.agents.passing_time import fleet
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

AGENTS = "/admin/agents/agentrecord/"


def export(client: Client, kind: str, **query: Any) -> str:
    response = client.get(f"{AGENTS}export/{kind}/", query)
    assert response.status_code == 200
    return response.getvalue().decode()


def as_csv(client: Client, **query: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(export(client, "csv", **query), newline="")))


def ids(client: Client, kind: str, **query: Any) -> list[str]:
    agents = as_csv(client, **query) if kind == "csv" else json.loads(export(client, kind, **query))
    return [agent["agent_id"] for agent in agents]


both = pytest.mark.parametrize("kind", ["csv", "json"])


@both
def test_an_export_has_the_matching_agents_in_the_order_of_their_ids(
    admin_client: Client, kind: str
) -> None:
    AgentFactory.create(agent_id="b", tags=["eu", "gpu"])
    AgentFactory.create(agent_id="a", tags=["gpu", "eu"], expired=True)
    AgentFactory.create(agent_id="c", tags=["eu"])

    assert ids(admin_client, kind, tag=["eu", "gpu"], o="-6") == ["a", "b"]
    assert ids(admin_client, kind, tag=["eu", "gpu"], liveness="alive") == ["b"]
    assert ids(admin_client, kind, q="c") == ["c"]


@both
def test_an_export_without_matching_agents_is_empty(admin_client: Client, kind: str) -> None:
    AgentFactory.create()

    for query in [
        {"tag": "none"},
        {"tag": "a\0b"},
        {"state": "a\0b"},
        {"liveness": "nonsense"},
        {"q": "x" * 5000},
    ]:
        assert ids(admin_client, kind, **query) == []


def test_the_json_export_equals_the_api(admin_client: Client, client: Client) -> None:
    AgentFactory.create(
        agent_id="a", metadata={"m": [1, "ü"]}, tags=["eu"], load=0.5, note='"\n', version="1"
    )
    AgentFactory.create(agent_id="b", expired=True)

    exported = json.loads(export(admin_client, "json"))

    assert exported == client.get("/agents?include_dead=1").json()


def test_the_csv_columns_have_the_names_of_the_api(admin_client: Client) -> None:
    AgentFactory.create(agent_id="a", metadata={"m": ["ü"]}, tags=["eu"], load=0.5)

    [agent] = as_csv(admin_client)
    [same] = json.loads(export(admin_client, "json"))

    assert list(agent) == list(same)
    assert agent["is_alive"] == "true"
    assert agent["load"] == "0.5"
    assert agent["seen_address"] == ""
    assert json.loads(agent["metadata"]) == {"m": ["ü"]}
    assert json.loads(agent["tags"]) == ["eu"]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", " =", "\uff1d"])
def test_no_cell_is_a_formula(admin_client: Client, begin: str) -> None:
    text = f"{begin}cmd|' /C calc'!A0"
    AgentFactory.create(agent_name=text, note=text, version=begin)

    [agent] = as_csv(admin_client)

    assert agent["agent_name"] == agent["note"] == f"'{text}"
    assert agent["version"] == f"'{begin}"


def test_cells_keep_their_text_beside_unusual_cells(admin_client: Client) -> None:
    note = 'said "no", twice; \x1f=\x1f, ü'
    AgentFactory.create(agent_id="a", note=note, metadata={"ü": 'a "b", \\u00fc'}, tags=["=x"])
    AgentFactory.create(agent_id="b", note="=1+1", agent_name="\u2028", load=0.1)

    [one, other] = as_csv(admin_client)

    assert one["note"] == note
    assert json.loads(one["metadata"]) == {"ü": 'a "b", \\u00fc'}
    assert "ü" in one["metadata"]
    assert (one["tags"], one["load"]) == ('["=x"]', "")
    assert (other["note"], other["agent_name"], other["load"]) == ("'=1+1", " ", "0.1")


def test_an_agent_is_one_line_of_csv_even_with_line_breaks_in_its_fields(
    admin_client: Client,
) -> None:
    AgentFactory.create(agent_id="a", note='one\r\n=two\x0b"three",\u2028four', tags=["x\ny"])
    AgentFactory.create(agent_id="b")

    text = export(admin_client, "csv")

    assert len(text.splitlines()) == 3
    assert as_csv(admin_client)[0]["note"].startswith("one\\r\\n=two")


@both
def test_an_export_is_an_attachment_with_the_date_in_its_name(
    admin_client: Client, kind: str
) -> None:
    response = admin_client.get(f"{AGENTS}export/{kind}/")

    name = f"agents-{timezone.localdate()}.{kind}"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert "no-store" in response["Cache-Control"]


@both
def test_no_agent_is_missed_or_repeated_between_pages(
    admin_client: Client, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PAGE", 7)
    expected = fleet(50)

    assert ids(admin_client, kind) == sorted(expected)


@both
def test_pages_are_queried_while_the_export_is_sent(
    admin_client: Client, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PAGE", 20)
    fleet(200)
    response: Any = admin_client.get(f"{AGENTS}export/{kind}/")
    pieces = iter(response.streaming_content)

    with CaptureQueriesContext(connection) as first:
        sent = [next(pieces) for _ in range(3)]
    with CaptureQueriesContext(connection) as others:
        rest = list(pieces)

    assert len(first) == len(sent) - 1  # the first piece is a bracket or the header line
    assert len(others) == 200 // 20 - len(first)
    assert sum(map(len, sent)) < sum(map(len, rest))


def test_every_export_is_logged(admin_client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "agents.export"):
        export(admin_client, "csv", tag="a\nb")

    assert caplog.messages == ["admin:admin exports agents as csv: 'tag=a%0Ab'"]


@both
def test_an_export_needs_the_permission_to_view_agents(
    staff: Callable[..., Client], client: Client, kind: str
) -> None:
    url = f"{AGENTS}export/{kind}/"

    assert client.get(url)["Location"].startswith("/admin/login/")
    assert staff("view_agentevent").get(url).status_code == 403
    assert client.post(url).status_code == 403


@both
def test_lookups_that_no_filter_uses_are_refused(admin_client: Client, kind: str) -> None:
    url = f"{AGENTS}export/{kind}/"

    assert admin_client.get(url, {"state__regex": "["}).status_code == 400
    assert admin_client.get(url, {"nothing": "x"})["Location"] == f"{AGENTS}?e=1"
    assert admin_client.post(url).status_code == 405


def test_the_list_links_to_the_export_of_its_filters(admin_client: Client) -> None:
    AgentFactory.create()
    html = admin_client.get(AGENTS, {"tag": "a&b", "p": "2"}).content.decode()

    links = re.findall(rf'href="({AGENTS}export/\w+/\?[^"]*)"', html)
    assert links == [f"{AGENTS}export/{kind}/?tag=a%26b" for kind in ["csv", "json"]]


@both
def test_users_who_may_see_the_list_may_export_it(staff: Callable[..., Client], kind: str) -> None:
    client = staff("change_agentrecord")

    assert client.get(AGENTS).status_code == 200
    assert client.get(f"{AGENTS}export/{kind}/").status_code == 200
