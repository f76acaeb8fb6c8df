"""The OpenAPI document, its page, and the redirect to the admin."""

import re

import pytest
import yaml
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils.translation import trans_real


def test_the_document_has_every_operation(client: Client) -> None:
    document = yaml.safe_load(client.get("/schema").content)

    assert document["openapi"].startswith("3.")
    operations = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert operations >= {
        "POST /agents/register",
        "POST /agents/{agent_id}/heartbeat",
        "GET /agents",
        "GET /agents/{agent_id}",
        "DELETE /agents/{agent_id}",
        "GET /health",
        "GET /health/live",
        "GET /health/ready",
        "GET /metrics",
    }
    parameters = {p["name"] for p in document["paths"]["/agents"]["get"]["parameters"]}
    assert parameters >= {"include_dead", "tag", "skill", "status", "search", "limit", "cursor"}


def test_each_call_is_described_by_itself(client: Client) -> None:
    document = yaml.safe_load(client.get("/schema").content)

    texts = [call["description"] for path in document["paths"].values() for call in path.values()]
    assert document["info"]["description"] not in texts
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize("query", ["version=%0d%0aX:y", "version=%C3%A4", "lang=%00", "lang=de"])
def test_the_document_does_not_depend_on_the_query(client: Client, query: str) -> None:
    with_query = client.get(f"/schema?{query}")

    assert with_query.status_code == 200
    assert with_query.headers["Content-Disposition"] == 'inline; filename="Agent registry.yaml"'
    assert with_query.content == client.get("/schema").content


def test_an_unknown_language_is_not_cached(client: Client) -> None:
    client.get("/schema", {"lang": "xx-made-up"})

    assert "xx-made-up" not in vars(trans_real)["_translations"]


@pytest.mark.parametrize("path", ["/docs", "/schema"])
def test_the_documents_are_read_only(client: Client, path: str) -> None:
    assert client.options(path).status_code == 405
    assert client.post(path).status_code == 405
    assert client.head(path).status_code == 200


def test_the_page_loads_nothing_from_other_hosts(client: Client) -> None:
    page = client.get("/docs")
    script = client.get("/docs?script=")
    text = page.content.decode() + script.content.decode()

    assert page.status_code == script.status_code == 200
    addresses = re.findall(r'(?:href|src)="([^"]+)"', page.content.decode())
    assert len(addresses) >= 4
    assert all(address.startswith(("/", "#")) for address in addresses)
    assert "//cdn" not in text
    for address in addresses:
        if address.startswith("/static/"):
            assert finders.find(address.removeprefix("/static/"))


@pytest.mark.django_db
def test_the_root_redirects_to_the_admin(client: Client) -> None:
    answer = client.get("/", follow=True)

    assert answer.status_code == 200
    assert answer.request["PATH_INFO"] == "/admin/login/"
