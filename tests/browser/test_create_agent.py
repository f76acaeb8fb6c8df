"""From the overview to an agent that is alive, made and run as a person does it."""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django import DjangoDbBlocker

from agents.models import AgentRecord
from tests.browser.conftest import OpenPage
from tests.browser.seeded_registry import SeededRegistry, seeded_registry
from tests.integration.agent_process import running_agent

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def running_registry(
    chromium: str, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[SeededRegistry]:
    folder = tmp_path_factory.mktemp("registry")
    with seeded_registry(folder, django_db_blocker, REGISTRY_AUTH="token") as registry:
        yield registry


def test_an_agent_is_made_and_its_page_turns_green_when_it_runs(
    open_page: OpenPage, registry: SeededRegistry, axe: Callable[[Page], None], tmp_path: Path
) -> None:
    page = open_page("/admin/")
    page.get_by_role("link", name="Create an agent").first.click()
    files = page.get_by_role("region", name="Files")
    text = files.get_by_label("agent.yaml")
    expect(text).to_contain_text("name: my-agent")

    name = page.get_by_label("name").first
    name.fill("Fore cast")
    expect(page.get_by_text("it must be the name of an image")).to_be_visible()
    expect(page.get_by_text("The files are those of before.")).to_be_visible()
    name.fill("forecast")
    expect(text).to_contain_text("name: forecast")
    expect(page.get_by_text("it must be the name of an image")).to_be_hidden()
    expect(name).to_be_focused()

    page.get_by_role("button", name="Add to inputs").click()
    city = page.get_by_role("group", name="inputs[0]")
    expect(city.get_by_label("name")).to_be_focused()
    city.get_by_label("name").fill("city")
    expect(city.get_by_text("it must be one of string")).to_be_visible()
    city.get_by_label("type").select_option("string")
    expect(text).to_contain_text("- name: city")
    files.get_by_role("button", name="agent.json").click()
    expect(files.get_by_label("build/agent.json")).to_contain_text('"name": "city"')
    axe(page)

    page.get_by_role("button", name="Create the agent").click()
    progress = page.get_by_role("status", name="First heartbeat")
    expect(progress).to_contain_text("waiting")
    token = page.locator("#secret-text").inner_text()
    axe(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download forecast.zip").click()
    download.value.save_as(tmp_path / "forecast.zip")
    with zipfile.ZipFile(tmp_path / "forecast.zip") as archive:
        archive.extractall(tmp_path)

    reached = {"AGENT_REGISTRY_URL": registry.url, "AGENT_ENROLMENT_TOKEN": token}
    log = tmp_path / "agent.log"
    with running_agent(tmp_path / "forecast" / "build", "forecast", log, reached):
        expect(progress).to_contain_text("alive")
        progress.get_by_role("link", name="Its page").click()
        expect(page.get_by_role("heading", name="forecast", level=1)).to_be_visible()
    assert AgentRecord.objects.get(pk="forecast").enrolled_by == token.split("_")[1]


def test_the_form_works_without_javascript_and_on_a_phone(open_page: OpenPage) -> None:
    page = open_page(
        "/admin/create-agent/",
        role="Operator",
        width=400,
        colours="dark",
        java_script_enabled=False,
    )
    page.get_by_label("name").first.fill("forecast")
    page.get_by_text("All other keys").click()
    page.get_by_role("button", name="Add to skills").click()
    page.get_by_role("group", name="skills[0]").get_by_label("id").fill("fore cast")
    page.get_by_role("button", name="Update the files").click()
    expect(page.get_by_text("it must be 1 to 64 of A-Z")).to_be_visible()
    page.get_by_role("button", name="Remove skills[0]").click()
    page.get_by_role("button", name="Dockerfile").click()
    expect(page.get_by_label("build/Dockerfile")).to_contain_text("EXPOSE 8000")
    page.get_by_role("button", name="Create the agent").click()
    expect(page.get_by_role("heading", name="forecast", level=1)).to_be_visible()
    expect(page.get_by_text("waiting", exact=True)).to_be_visible()
