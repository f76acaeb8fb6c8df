"""The agent's own description: /, /schema, /docs, /openapi.json."""

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.deploygen.runtime.running_agent import running_agent

DECLARED: dict[str, Any] = {
    "description": "Adds.",
    "version": "1.2.0",
    "tags": ["math"],
    "skills": [{"id": "sum", "name": "Sum", "description": "Adds", "tags": [], "examples": []}],
    "inputs": [
        {"name": "a", "type": "integer", "required": True, "description": "the first"},
        {"name": "b", "type": "integer", "required": False, "default": 2},
    ],
    "outputs": [{"name": "sum", "type": "integer", "description": ""}],
}
INPUTS = {
    "type": "object",
    "properties": {
        "a": {"type": "integer", "description": "the first"},
        "b": {"type": "integer", "default": 2},
    },
    "required": ["a"],
    "additionalProperties": False,
}


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


def test_the_root_describes_the_agent_and_links_to_its_endpoints(tmp_path: Path) -> None:
    with running_agent(tmp_path, **DECLARED) as agent:
        about = agent.http.get("/").json()
        links = about.pop("links")
        assert about == {
            "name": "An agent",
            "agent_id": "an-agent",
            "version": "1.2.0",
            "description": "Adds.",
            "tags": ["math"],
            "skills": ["sum"],
        }
        for path in links.values():
            assert agent.http.get(path).status_code != 404 or path == "/status/{job_id}"


def test_schema_has_the_schemas_of_inputs_and_outputs(tmp_path: Path) -> None:
    with running_agent(tmp_path, **DECLARED) as agent:
        assert agent.http.get("/schema").json() == {
            "inputs": INPUTS,
            "outputs": {
                "type": "object",
                "properties": {"sum": {"type": "integer"}},
                "required": ["sum"],
                "additionalProperties": False,
            },
        }


def test_without_declarations_the_schema_is_any_object(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        anything = {"type": "object"}
        assert agent.http.get("/schema").json() == {"inputs": anything, "outputs": anything}


def test_the_openapi_document_has_the_schema_of_run(tmp_path: Path) -> None:
    with running_agent(tmp_path, **DECLARED) as agent:
        document = agent.http.get("/openapi.json").json()
    run = document["paths"]["/run"]["post"]
    assert run["requestBody"]["content"]["application/json"]["schema"] == INPUTS
    assert {"200", "202", "413", "415", "422", "500", "503"} <= set(run["responses"])
    assert document["info"]["version"] == "1.2.0"


def test_the_page_loads_nothing_from_other_hosts(tmp_path: Path) -> None:
    with running_agent(tmp_path, **DECLARED) as agent:
        page = agent.http.get("/docs")
        found = Tags()
        found.feed(page.text)
        assert all(agent.http.get(f"/{link}").is_success for link in found.links)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert not found.tags & {"script", "link", "img", "iframe", "object"}
    assert found.links
    assert not re.search(r"url\(|@import", page.text)
    for call in ("POST /run", "GET /status/{job_id}", "GET /schema", "POST /a2a"):
        assert call in page.text
    assert "the first" in page.text


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '"><img src=x>', "</pre><b>"])
def test_declared_text_is_escaped_in_the_page(tmp_path: Path, hostile: str) -> None:
    declared: dict[str, Any] = {
        "name": hostile,
        "version": hostile,
        "description": hostile,
        "inputs": [{"name": hostile, "type": "string", "description": hostile}],
        "outputs": [{"name": "o", "type": "string", "description": hostile}],
    }
    with running_agent(tmp_path, **declared) as agent:
        found = Tags()
        found.feed(agent.http.get("/docs").text)
    assert not found.tags & {"script", "img", "b"}


def test_the_example_on_the_page_is_accepted_by_the_agent(tmp_path: Path) -> None:
    declared: dict[str, Any] = {
        "inputs": [
            {"name": kind, "type": kind, "required": True}
            for kind in ("string", "integer", "number", "boolean", "array", "object")
        ]
    }
    with running_agent(tmp_path, **declared) as agent:
        page = unescape(agent.http.get("/docs").text)
        body = page.partition("-d '")[2].partition("'</pre>")[0]
        answer = agent.http.post("/run", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
