"""The OpenAPI document, its page, and the way to the admin."""

import re

import pytest
import yaml
from django.contrib.staticfiles import finders
from django.test import Client


def test_the_document_has_every_call(client: Client) -> None:
    document = yaml.safe_load(client.get("/schema").content)

    assert document["openapi"].startswith("3.")
    calls = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert calls >= {
        "POST /agents/register",
        "POST /agents/{agent_id}/heartbeat",
        "GET /agents",
        "GET /agents/{agent_id}",
        "DELETE /agents/{agent_id}",
        "GET /health",
        "GET /health/live",
        "GET /health/ready",
    }
    parameters = {p["name"] for p in document["paths"]["/agents"]["get"]["parameters"]}
    assert parameters >= {"include_dead", "tag", "skill", "status", "search", "limit", "cursor"}


def test_the_page_takes_everything_from_us(client: Client) -> None:
    page = client.get("/docs")
    script = client.get("/docs?script=")
    text = page.content.decode() + script.content.decode()

    assert page.status_code == script.status_code == 200
    addresses = re.findall(r'(?:href|src)="([^"]+)"', page.content.decode())
    assert len(addresses) >= 4
    assert all(address.startswith("/") for address in addresses)
    assert "//cdn" not in text
    for address in addresses:
        if address.startswith("/static/"):
            assert finders.find(address.removeprefix("/static/"))


@pytest.mark.django_db
def test_the_root_leads_to_the_admin(client: Client) -> None:
    answer = client.get("/", follow=True)

    assert answer.status_code == 200
    assert answer.request["PATH_INFO"] == "/admin/login/"
