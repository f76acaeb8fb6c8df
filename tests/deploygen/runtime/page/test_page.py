"""The page on which people try an agent."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

from tests.deploygen.runtime.running_agent import running_agent

FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "is_page"),
    [
        (FIREFOX, True),
        ("text/html", True),
        ("*/*", False),
        ("application/json", False),
        ("application/json, text/html;q=0.5", False),
    ],
)
def test_browsers_get_the_page_and_programs_json(
    tmp_path: Path, accept: str, is_page: bool
) -> None:
    with running_agent(tmp_path, page=True) as agent:
        response = agent.http.get("/", headers={"Accept": accept})

    assert response.status_code == 200
    assert ("text/html" in response.headers["content-type"]) is is_page
    if not is_page:
        assert response.json()["agent_id"] == "an-agent"


def test_an_agent_has_no_page_by_default(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        response = agent.http.get("/", headers={"Accept": FIREFOX})
    assert response.json()["agent_id"] == "an-agent"


def test_only_the_pages_own_script_and_style_may_run(tmp_path: Path) -> None:
    with running_agent(tmp_path, page=True) as agent:
        response = agent.http.get("/", headers={"Accept": FIREFOX})
    policy = response.headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        [text] = re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", response.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    assert re.findall(r"\b(?:src|action)=", response.text) == []
    links = re.findall(r'href="([^"]*)"', response.text)
    assert [link for link in links if link.startswith(("http", "//"))] == []


def test_what_the_spec_says_is_text_on_the_page(tmp_path: Path) -> None:
    hostile = "</title><script>alert(1)</script>{style}"
    with running_agent(tmp_path, page=True, name=hostile, description=hostile) as agent:
        response = agent.http.get("/", headers={"Accept": FIREFOX})

    assert "<script>alert" not in response.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{style}" in response.text
