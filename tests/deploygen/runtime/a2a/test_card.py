import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2a.client import A2ACardResolver
from a2a.types import AgentCard
from a2a.utils.proto_utils import validate_proto_required_fields

from deploygen.runtime.config import ConfigError
from tests.deploygen.runtime.running_agent import RunningAgent, running_agent

PATH = "/.well-known/agent-card.json"
SKILL = {
    "id": "sum",
    "name": "Sum",
    "description": "Adds numbers",
    "tags": ["math"],
    "examples": ["1 + 2"],
}


def sdk_card(agent: RunningAgent) -> AgentCard:
    """Return the card as the official SDK parses it, after its check of required fields."""

    async def resolve() -> AgentCard:
        async with httpx.AsyncClient(timeout=30) as http:
            return await A2ACardResolver(http, agent.url).get_agent_card()

    card = asyncio.run(resolve())
    validate_proto_required_fields(card)
    return card


def url_of(agent: RunningAgent, **headers: str) -> str:
    card = agent.http.get(PATH, headers=headers).json()
    url: str = card["supportedInterfaces"][0]["url"]
    return url


def test_the_card_has_what_the_agent_declares(tmp_path: Path) -> None:
    declared: dict[str, Any] = {
        "description": "Adds.",
        "version": "1.2.0",
        "skills": [SKILL],
        "a2a_0_3": False,
    }
    with running_agent(tmp_path, **declared) as agent:
        card = agent.http.get(PATH)
        url = f"{agent.url}/a2a"
    assert card.headers["content-type"] == "application/json"
    assert card.json() == {
        "name": "An agent",
        "description": "Adds.",
        "version": "1.2.0",
        "supportedInterfaces": [
            {"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
        ],
        "capabilities": {
            "streaming": True,
            "pushNotifications": False,
            "extendedAgentCard": False,
        },
        "defaultInputModes": ["application/json", "text/plain"],
        "defaultOutputModes": ["application/json", "text/plain"],
        "skills": [SKILL],
    }


def test_the_official_sdk_accepts_the_card(tmp_path: Path) -> None:
    with running_agent(tmp_path, description="Adds.", skills=[SKILL]) as agent:
        card = sdk_card(agent)
    assert (card.name, card.version) == ("An agent", "0.1.0")
    assert [(skill.id, list(skill.tags)) for skill in card.skills] == [("sum", ["math"])]


def test_the_sdk_accepts_the_card_of_an_agent_that_declares_nothing(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        card = sdk_card(agent)
    assert card.description == "The agent An agent"
    assert [skill.id for skill in card.skills] == ["run"]


TEXT, JSON = "text/plain", "application/json"


@pytest.mark.parametrize(
    ("inputs", "outputs", "modes"),
    [
        (["string"], ["string"], ([TEXT, JSON], [TEXT, JSON])),
        (["string", "integer"], ["string", "integer"], ([TEXT, JSON], [JSON, TEXT])),
        (["integer"], ["array"], ([JSON], [JSON, TEXT])),
        ([], [], (None, None)),
    ],
)
def test_skills_have_the_media_types_of_the_declared_inputs_and_outputs(
    tmp_path: Path, inputs: list[str], outputs: list[str], modes: tuple[Any, Any]
) -> None:
    declared: dict[str, Any] = {
        kind: [{"name": f"field_{number}", "type": each} for number, each in enumerate(types)]
        for kind, types in (("inputs", inputs), ("outputs", outputs))
    }
    with running_agent(tmp_path, skills=[SKILL], **declared) as agent:
        [skill] = agent.http.get(PATH).json()["skills"]
        parsed = sdk_card(agent).skills[0]
    assert (skill.get("inputModes"), skill.get("outputModes")) == modes
    assert list(parsed.input_modes) == (modes[0] or [])


def test_an_agent_without_a_text_input_takes_json_as_text_too(tmp_path: Path) -> None:
    inputs = [{"name": "a", "type": "integer"}, {"name": "b", "type": "integer"}]
    with running_agent(tmp_path, inputs=inputs) as agent:
        modes = agent.http.get(PATH).json()["defaultInputModes"]
    assert modes == ["application/json", "text/plain"]


def test_head_gets_the_headers_of_the_card(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        head, get = agent.http.head(PATH), agent.http.get(PATH)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "cache-control", "content-type", "content-length"):
        assert head.headers[name] == get.headers[name]


def test_an_unchanged_card_is_answered_with_304(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        first = agent.http.get(PATH)
        tag = first.headers["etag"]
        assert first.headers["cache-control"] == "public, max-age=300"
        for known in (tag, f'W/{tag}, "other"', "*"):
            again = agent.http.get(PATH, headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == tag
            assert again.headers["cache-control"] == "public, max-age=300"
        for unknown in ('"other"', tag.strip('"'), "", "**"):
            other = agent.http.get(PATH, headers={"If-None-Match": unknown})
            assert other.content == first.content


def test_the_etag_changes_with_the_card(tmp_path: Path) -> None:
    tags = set()
    for version in ("1.0.0", "1.0.1"):
        with running_agent(tmp_path, version=version) as agent:
            tags.add(agent.http.get(PATH, headers={"Host": "agent"}).headers["etag"])
    assert len(tags) == 2


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"AGENT_PUBLIC_URL": "https://agents.example/echo/"}, "https://agents.example/echo/a2a"),
        ({"AGENT_HOST": "echo.internal"}, "http://echo.internal:8000/a2a"),
        ({"AGENT_HOST": "fd00::1"}, "http://[fd00::1]:8000/a2a"),
        ({}, "http://seen.example:81/a2a"),
    ],
)
def test_the_url_in_the_card_is_the_agents_public_address(
    tmp_path: Path, environ: dict[str, str], url: str
) -> None:
    with running_agent(tmp_path, environ={"AGENT_ALLOWED_HOSTS": "*", **environ}) as agent:
        assert url_of(agent, Host="seen.example:81") == url


@pytest.mark.parametrize(
    "url", ["agents.example", "ftp://agents.example", "http://a/?x=1", "http://"]
)
def test_an_invalid_public_url_is_refused_at_the_start(tmp_path: Path, url: str) -> None:
    with (
        pytest.raises(ConfigError, match="AGENT_PUBLIC_URL"),
        running_agent(tmp_path, environ={"AGENT_PUBLIC_URL": url}),
    ):
        pass
