"""People try an agent on its page, by mouse or keyboard."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import HEIGHT
from tests.browser.problems import Problems
from tests.deploygen.runtime.running_agent import RunningAgent, running_agent

pytestmark = pytest.mark.integration

INPUTS = [
    {"name": "text", "type": "string"},
    {"name": "times", "type": "integer", "required": False, "default": 2},
    {"name": "loud", "type": "boolean", "required": False, "default": False},
    {"name": "extras", "type": "array", "required": False},
]
# It yields a first piece, and the others once the file "go" is there.
HANDLER = """
import asyncio, pathlib
GO = pathlib.Path({go!r})
async def handle(inputs, context):
    context.progress(0.25, "at work")
    if inputs["text"] == "fail":
        raise ValueError("secret")
    for number in range(inputs["times"]):
        yield inputs["text"].upper() if inputs["loud"] else inputs["text"]
        while not GO.exists():
            await asyncio.sleep(0.01)
    yield {{"sent": inputs}}
"""


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[RunningAgent]:
    handler = HANDLER.format(go=str(tmp_path / "go"))
    with running_agent(tmp_path, handler, page=True, inputs=INPUTS) as agent:
        yield agent


@pytest.fixture
def go(tmp_path: Path) -> Callable[[], None]:
    """A function that lets the handler finish."""
    return (tmp_path / "go").touch


@pytest.fixture
def open_agent(browser: Browser, problems: Problems) -> Iterator[Callable[[RunningAgent], Page]]:
    with browser.new_context() as context:
        problems.collect(context)

        def open_agent(agent: RunningAgent) -> Page:
            page = context.new_page()
            page.goto(agent.url)
            expect(page.locator("#fields .field").first).to_be_visible()
            return page

        yield open_agent


@pytest.fixture
def page(agent: RunningAgent, open_agent: Callable[[RunningAgent], Page]) -> Page:
    return open_agent(agent)


def field(page: Page, name: str) -> Locator:
    return page.locator(f"[name={name}]")


def progress(page: Page) -> Locator:
    return page.locator("#progress")


def run(page: Page) -> None:
    page.keyboard.press("Control+Enter")


def wait_until_done(page: Page) -> None:
    expect(progress(page)).to_have_text(re.compile("^done after"))


def result(page: Page) -> Any:
    """Return the result as the page shows it as JSON."""
    page.locator("[data-view=json]").click()
    return json.loads(page.locator("#output").inner_text())


def test_pieces_are_shown_as_they_come_and_the_result_at_the_end(
    page: Page, go: Callable[[], None]
) -> None:
    field(page, "text").fill("la ")
    page.locator("#run").click()
    expect(page.locator("#output")).to_contain_text("la")
    expect(progress(page)).to_contain_text("1 piece, 25%, at work")

    go()
    wait_until_done(page)
    assert result(page)["sent"] == {"text": "la ", "times": 2, "loud": False}


def test_the_keyboard_is_enough(page: Page, go: Callable[[], None]) -> None:
    go()
    field(page, "text").focus()
    page.keyboard.type("one")
    page.keyboard.press("Tab")
    expect(field(page, "times")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("3")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    run(page)

    wait_until_done(page)
    assert result(page)["sent"] == {"text": "one", "times": 3, "loud": True}


def test_a_run_can_be_cancelled_by_the_keyboard(page: Page) -> None:
    field(page, "text").fill("on and on")
    run(page)
    expect(progress(page)).to_contain_text("1 piece")

    page.keyboard.press("Escape")
    expect(progress(page)).to_have_text(re.compile("^cancelled after"))
    expect(page.locator("#run")).to_be_enabled()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("extras", "[1,", "This is not JSON"),
        ("extras", "{}", "This must be an array, such as []."),
        ("times", "1.5", "Input should be a valid integer"),
    ],
)
def test_a_wrong_input_is_marked_and_gets_the_focus(  # noqa: PLR0917 - fixtures and parameters
    page: Page, go: Callable[[], None], problems: Problems, name: str, value: str, problem: str
) -> None:
    problems.allow("422 POST .*/run")
    go()
    field(page, "text").fill("one")
    field(page, name).fill(value)
    run(page)

    expect(field(page, name)).to_be_focused()
    expect(field(page, name)).to_have_attribute("aria-invalid", "true")
    expect(field(page, name)).to_have_accessible_description(re.compile(re.escape(problem)))


def test_a_failure_is_shown_without_its_secrets(page: Page, problems: Problems) -> None:
    problems.allow("500 POST .*/run")
    field(page, "text").fill("fail")
    run(page)

    expect(progress(page)).to_have_text(re.compile("^failed after"))
    output = page.locator("#output")
    expect(output).to_contain_text("raised ValueError; the agent's log has the traceback")
    expect(output).not_to_contain_text("secret")


def test_the_last_runs_survive_a_reload_and_fill_the_form(
    page: Page, go: Callable[[], None]
) -> None:
    go()
    runs = page.locator("#runs")
    for text in ("first", "second"):
        field(page, "text").fill(text)
        run(page)
        expect(runs).to_contain_text(text)
        expect(page.locator("#run")).to_be_enabled()

    page.reload()
    expect(runs.get_by_role("button")).to_have_count(2)
    expect(page.locator("#fields .field").first).to_be_visible()
    runs.locator("li:last-child button").click()
    expect(field(page, "text")).to_have_value("first")
    assert result(page)["sent"]["text"] == "first"


def test_an_agent_that_is_gone_is_away(page: Page, agent: RunningAgent, problems: Problems) -> None:
    expect(page.locator("#readiness")).to_have_text("ready")
    problems.allow("net::ERR_")
    agent.stop()
    expect(page.locator("#readiness")).to_have_text("away")


def test_a_token_is_asked_for_where_the_agent_requires_one(
    tmp_path: Path, open_agent: Callable[[RunningAgent], Page], problems: Problems
) -> None:
    problems.allow("401 POST .*/run")
    token = "t" * 32
    with running_agent(
        tmp_path, environ={"AGENT_TOKENS": token}, page=True, inputs=INPUTS[:1]
    ) as agent:
        page = open_agent(agent)
        field(page, "text").fill("one")
        run(page)
        expect(page.locator("#token")).to_be_focused()

        page.keyboard.type(token)
        run(page)
        wait_until_done(page)
        assert result(page) == {"echo": {"text": "one"}}
        page.close()


def test_an_agent_without_declared_inputs_takes_any_object(
    tmp_path: Path, open_agent: Callable[[RunningAgent], Page]
) -> None:
    with running_agent(tmp_path, page=True) as agent:
        page = open_agent(agent)
        page.locator("#fields textarea").fill('{"any": [1]}')
        run(page)
        wait_until_done(page)
        assert result(page) == {"echo": {"any": [1]}}
        page.close()


@pytest.mark.parametrize("width", [1440, 400])
def test_the_page_fits_its_window(page: Page, go: Callable[[], None], width: int) -> None:
    page.set_viewport_size({"width": width, "height": HEIGHT})
    go()
    field(page, "text").fill("long" * 500)
    run(page)
    wait_until_done(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
