"""An operator tries an agent that was generated and runs, from its page."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django import DjangoDbBlocker

from agents.models import AgentEvent, AgentRecord
from deploygen.output.writing import write_folder
from deploygen.project.new_agent import new_agent
from tests.browser.conftest import OpenPage
from tests.browser.seeded_registry import SeededRegistry, seeded_registry
from tests.integration.agent_process import NEEDS_TOKEN, TOKEN, running_agent
from tests.processes import wait_until

pytestmark = pytest.mark.integration

HANDLER = """
import time
def handle(inputs):
    if inputs["city"] == "nowhere":
        raise ValueError("no such city")
    time.sleep(inputs["seconds"])
    return {"weather": "windy in " + inputs["city"], "days": inputs["days"]}
"""
INPUTS = [
    {"name": "city", "type": "string", "description": "Where."},
    {"name": "days", "type": "integer", "default": 3},
    {"name": "seconds", "type": "number", "default": 0},
]


@pytest.fixture(scope="module")
def running_registry(
    chromium: str, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[SeededRegistry]:
    folder = tmp_path_factory.mktemp("registry")
    with seeded_registry(folder, django_db_blocker, TRY_NETWORKS="127.0.0.1") as registry:
        yield registry


@pytest.fixture
def agent(registry: SeededRegistry, tmp_path: Path) -> Iterator[str]:
    """The id of a running agent, which asks for a token."""
    values = {"name": "wind", "inputs": INPUTS, "sync_timeout": 0.5}
    made = new_agent(values, registry.url)
    files = {
        path.removeprefix("build/"): text
        for path, text in made.files.items()
        if path.startswith("build/")
    }
    folder = tmp_path / "wind"
    write_folder(folder, files | {"handler.py": HANDLER})
    environment = NEEDS_TOKEN | {"AGENT_REGISTRY_URL": registry.url}
    with running_agent(folder, "wind", tmp_path / "agent.log", environment):
        wait_until(AgentRecord.objects.filter(pk="wind").exists, "the registration")
        yield "wind"


def test_an_operator_runs_an_agent_and_reads_its_answer(
    open_page: OpenPage, agent: str, axe: Callable[[Page], None]
) -> None:
    page = open_page(f"/admin/agents/agentrecord/{agent}/change/", role="Operator")
    page.get_by_role("link", name="Try it").click()

    page.get_by_label("city").fill("Graz")
    expect(page.get_by_text("integer; default 3; left out if empty")).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Run it").click()
    answer = page.get_by_role("region", name="Answer")
    expect(answer).to_contain_text("401 Unauthorized")

    token = page.get_by_label("The agent's access token")
    token.fill(TOKEN)
    page.get_by_role("button", name="Run it").click()
    expect(answer).to_contain_text("200 OK")
    text = page.get_by_label("The text of the answer")
    assert json.loads(text.inner_text()) == {"weather": "windy in Graz", "days": 3}
    expect(token).to_have_value("")
    axe(page)

    page.get_by_label("days").fill("many")
    page.get_by_role("button", name="Run it").click()
    expect(page.get_by_text("It must be JSON, such as 5.")).to_be_visible()
    page.get_by_label("days").fill("7")
    page.get_by_label("city").fill("nowhere")
    token.fill(TOKEN)
    page.get_by_role("button", name="Run it").click()
    expect(answer).to_contain_text("500 Internal Server Error")

    page.get_by_label("city").fill("Linz")
    page.get_by_label("seconds").fill("1")
    token.fill(TOKEN)
    page.get_by_role("button", name="Run it").click()
    expect(answer).to_contain_text("202 Accepted")
    job = page.get_by_role("region", name="It goes on as a job")
    while job.count():
        job.get_by_label("The agent's access token").fill(TOKEN)
        job.get_by_role("button", name="Read its result").click()
    expect(answer).to_contain_text("windy in Linz")

    page.goto(f"/admin/agents/agentrecord/{agent}/change/")
    expect(page.get_by_text("POST /run: 200 OK").first).to_be_visible()
    tries = AgentEvent.objects.filter(agent_id=agent, kind="tried")
    assert set(tries.values_list("actor", flat=True)) == {"admin:operator"}
    assert TOKEN not in str(list(tries.values()))
