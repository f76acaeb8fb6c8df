"""People try an agent on its page, by mouse or keyboard."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.devtools import Tab
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
OUTPUT = "document.getElementById('output').innerText"
PROGRESS = "document.getElementById('progress').textContent"
FOCUSED = "document.activeElement.name"


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
def open_page(open_tab: Callable[[], Tab]) -> Callable[[RunningAgent], Tab]:
    def open_page(agent: RunningAgent) -> Tab:
        tab = open_tab()
        tab.call("Log.enable")
        tab.call("Emulation.setFocusEmulationEnabled", enabled=True)
        tab.open(agent.url)
        tab.wait_for("document.querySelector('#fields .field') !== null")
        return tab

    return open_page


@pytest.fixture
def tab(agent: RunningAgent, open_page: Callable[[RunningAgent], Tab]) -> Tab:
    return open_page(agent)


def fill(tab: Tab, name: str, value: str) -> None:
    """Type into a field, as a person does."""
    tab.evaluate(f"document.querySelector('[name={name}]').select()")
    tab.call("Input.insertText", text=value)


def press(tab: Tab, key: str, code: int, *, ctrl: bool = False) -> None:
    pressed = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": 2 * ctrl}
    for kind in ("rawKeyDown", "keyUp"):
        tab.call("Input.dispatchKeyEvent", type=kind, **pressed)


def press_ctrl_enter(tab: Tab) -> None:
    press(tab, "Enter", 13, ctrl=True)


def result(tab: Tab) -> Any:
    """Return the result as the page shows it as JSON."""
    tab.evaluate("document.querySelector('[data-view=json]').click()")
    return json.loads(tab.evaluate(OUTPUT))


def test_pieces_are_shown_as_they_come_and_the_result_at_the_end(
    tab: Tab, go: Callable[[], None]
) -> None:
    fill(tab, "text", "la ")
    tab.evaluate("document.getElementById('run').click()")
    tab.wait_for(f"{OUTPUT}.includes('la') && {PROGRESS}.includes('1 piece, 25%, at work')")

    go()
    tab.wait_for(f"{PROGRESS}.startsWith('done after')")
    assert result(tab)["sent"] == {"text": "la ", "times": 2, "loud": False}


def test_the_keyboard_is_enough(tab: Tab, go: Callable[[], None]) -> None:
    go()
    fill(tab, "text", "one")
    tab.call("Input.dispatchKeyEvent", type="rawKeyDown", key="Tab", windowsVirtualKeyCode=9)
    assert tab.evaluate(FOCUSED) == "times"
    fill(tab, "times", "3")
    tab.call("Input.dispatchKeyEvent", type="rawKeyDown", key="Tab", windowsVirtualKeyCode=9)
    space = {"key": " ", "code": "Space", "windowsVirtualKeyCode": 32, "text": " "}
    for kind in ("keyDown", "keyUp"):
        tab.call("Input.dispatchKeyEvent", type=kind, **space)
    press_ctrl_enter(tab)

    tab.wait_for(f"{PROGRESS}.startsWith('done after')")
    assert result(tab)["sent"] == {"text": "one", "times": 3, "loud": True}


def test_a_run_can_be_cancelled_by_the_keyboard(agent: RunningAgent, tab: Tab) -> None:
    fill(tab, "text", "on and on")
    press_ctrl_enter(tab)
    tab.wait_for(f"{PROGRESS}.includes('1 piece')")

    press(tab, "Escape", 27)
    tab.wait_for(f"{PROGRESS}.startsWith('cancelled after')")
    tab.wait_for("!document.getElementById('run').disabled")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("extras", "[1,", "This is not JSON"),
        ("extras", "{}", "This must be an array, such as []."),
        ("times", "1.5", "Input should be a valid integer"),
    ],
)
def test_a_wrong_input_is_marked_and_gets_the_focus(
    tab: Tab, go: Callable[[], None], name: str, value: str, problem: str
) -> None:
    go()
    fill(tab, "text", "one")
    fill(tab, name, value)
    press_ctrl_enter(tab)

    marked = f"document.querySelector('[name={name}][aria-invalid=true]')"
    tab.wait_for(f"{marked} !== null && {FOCUSED} === {name!r}")
    described = f"{marked}.getAttribute('aria-describedby').split(' ')"
    text = f"{described}.map(id => document.getElementById(id).textContent).join('')"
    assert problem in tab.evaluate(text)


def test_a_failure_is_shown_without_its_secrets(tab: Tab) -> None:
    fill(tab, "text", "fail")
    press_ctrl_enter(tab)

    tab.wait_for(f"{PROGRESS}.startsWith('failed after')")
    assert "raised ValueError; the agent's log has the traceback" in tab.evaluate(OUTPUT)
    assert "secret" not in tab.evaluate(OUTPUT)


def test_the_last_runs_survive_a_reload_and_fill_the_form(
    agent: RunningAgent, tab: Tab, go: Callable[[], None]
) -> None:
    go()
    for text in ("first", "second"):
        fill(tab, "text", text)
        press_ctrl_enter(tab)
        tab.wait_for(f"document.getElementById('runs').textContent.includes('{text}')")
        tab.wait_for("!document.getElementById('run').disabled")

    tab.open(f"{agent.url}/#again")
    tab.call("Page.reload")
    tab.wait_for("document.querySelectorAll('#runs button').length === 2")
    tab.wait_for("document.querySelector('#fields .field') !== null")
    tab.evaluate("document.querySelector('#runs li:last-child button').click()")
    assert tab.evaluate("document.querySelector('[name=text]').value") == "first"
    assert result(tab)["sent"]["text"] == "first"


def test_an_agent_that_is_gone_is_away(tab: Tab, agent: RunningAgent) -> None:
    readiness = "document.getElementById('readiness').textContent"
    tab.wait_for(f"{readiness} === 'ready'")
    agent.stop()
    tab.wait_for(f"{readiness} === 'away'")


def test_a_token_is_asked_for_where_the_agent_requires_one(
    tmp_path: Path, open_page: Callable[[RunningAgent], Tab]
) -> None:
    token = "t" * 32
    with running_agent(
        tmp_path, environ={"AGENT_TOKENS": token}, page=True, inputs=INPUTS[:1]
    ) as agent:
        tab = open_page(agent)
        fill(tab, "text", "one")
        press_ctrl_enter(tab)
        tab.wait_for("document.activeElement.id === 'token'")

        tab.call("Input.insertText", text=token)
        press_ctrl_enter(tab)
        tab.wait_for(f"{PROGRESS}.startsWith('done after')")
        assert result(tab) == {"echo": {"text": "one"}}


def test_an_agent_without_declared_inputs_takes_any_object(
    tmp_path: Path, open_page: Callable[[RunningAgent], Tab]
) -> None:
    with running_agent(tmp_path, page=True) as agent:
        tab = open_page(agent)
        tab.evaluate("document.querySelector('#fields textarea').select()")
        tab.call("Input.insertText", text='{"any": [1]}')
        press_ctrl_enter(tab)
        tab.wait_for(f"{PROGRESS}.startsWith('done after')")
        assert result(tab) == {"echo": {"any": [1]}}


@pytest.mark.parametrize("width", [1440, 400])
def test_the_page_fits_its_window_and_keeps_its_policy(
    tab: Tab, go: Callable[[], None], width: int
) -> None:
    tab.call(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=800,
        deviceScaleFactor=1,
        mobile=False,
    )
    go()
    fill(tab, "text", "long" * 500)
    press_ctrl_enter(tab)
    tab.wait_for(f"{PROGRESS}.startsWith('done after')")

    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [event["entry"]["text"] for event in tab.events("Log.entryAdded")] == []
