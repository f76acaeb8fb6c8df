"""The search in its dialog, and the keyboard shortcuts."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Request, expect

from agents import leases
from agents.tokens import access
from tests.browser.conftest import OpenPage
from tests.browser.seeded_registry import SeededRegistry

pytestmark = pytest.mark.integration

LIST = "/admin/agents/agentrecord/"
DIALOG = "Search"


@pytest.fixture
def agents(registry: SeededRegistry) -> None:
    for number in (1, 2, 3):
        leases.register(agent_id=f"keyed-{number}", host="10.0.0.9", port=1, tags=["keyed"])


def dialog_of(page: Page) -> Locator:
    return page.get_by_role("dialog", name=DIALOG)


def open_search(page: Page, text: str) -> Locator:
    page.keyboard.press("/")
    page.keyboard.type(text)
    return dialog_of(page)


def checkbox(page: Page, agent_id: str) -> Locator:
    return page.locator(f'input.action-select[value="{agent_id}"]')


def row_with_focus(page: Page) -> Locator:
    return page.locator("#result_list tbody tr:focus-within")


@pytest.mark.parametrize("width", [1440, 400])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_search_is_used_by_keyboard(
    open_page: OpenPage,
    registry: SeededRegistry,
    axe: Callable[[Page], None],
    width: int,
    colours: str,
) -> None:
    leases.register(agent_id="found-by-keys", host="10.0.0.9", port=1)
    page = open_page("/admin/", width=width, colours=colours)  # type: ignore[arg-type]

    page.keyboard.press("Control+k")
    expect(page.get_by_label("Search agents, hosts")).to_be_focused()
    expect(dialog_of(page).get_by_role("link", name="Overview")).to_be_visible()
    page.keyboard.type("found-by")
    expect(dialog_of(page).get_by_role("heading", name="Agents")).to_be_visible()
    axe(page)
    page.keyboard.press("ArrowDown")
    expect(dialog_of(page).get_by_role("link", name="found-by-keys")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("Search agents, hosts")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(dialog_of(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog_of(page)).to_be_hidden()

    open_search(page, "found-by")
    page.keyboard.press("Enter")
    page.wait_for_url("**/found*by*keys/change/")


def test_an_operation_is_found_confirmed_and_done(
    open_page: OpenPage, registry: SeededRegistry
) -> None:
    leases.register(agent_id="drained-by-keys", host="h", port=1)
    page = open_page("/admin/", role="Operator")

    expect(open_search(page, "drain drained-by").get_by_role("button")).to_have_count(2)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Drain 1 agent?")).to_be_visible()
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("for the test")
    page.keyboard.press("Enter")
    page.wait_for_url("**/change/")
    expect(page.get_by_text("for the test").first).to_be_visible()


def test_a_pasted_token_leaves_no_trace(open_page: OpenPage, registry: SeededRegistry) -> None:
    _, text = access.issue(name="of the browser's test", actor="command")
    page = open_page("/admin/")
    urls: list[str] = []
    page.on("request", lambda request: urls.append(note(request)))

    dialog = open_search(page, text)
    expect(dialog.get_by_role("link", name="of the browser's test")).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/accesstoken/**")

    secret = text.rpartition("_")[2]
    assert urls
    assert not [url for url in [*urls, page.url] if secret in url]
    assert secret not in page.content()
    page.keyboard.press("/")
    expect(page.get_by_label("Search agents, hosts")).to_have_value("")


def note(request: Request) -> str:
    return request.url + str(request.headers.get("referer"))


def test_rows_are_moved_through_ticked_and_drained(open_page: OpenPage, agents: None) -> None:
    page = open_page(f"{LIST}?tag=keyed", role="Operator")

    page.keyboard.press("j")
    expect(row_with_focus(page)).to_contain_text("keyed-1")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(row_with_focus(page)).to_contain_text("keyed-2")
    page.keyboard.press("x")
    expect(checkbox(page, "keyed-2")).to_be_checked()
    page.keyboard.press("d")

    expect(page.get_by_role("heading", name="Drain 1 agent?")).to_be_visible()
    expect(page.get_by_text("keyed-2").first).to_be_visible()


def test_keys_rest_while_somebody_types_and_can_be_turned_off(
    open_page: OpenPage, agents: None, axe: Callable[[Page], None]
) -> None:
    page = open_page(f"{LIST}?tag=keyed", role="Viewer")
    field = page.locator("#searchbar")
    field.fill("")
    field.press_sequentially("/jkxd?")
    expect(field).to_have_value("/jkxd?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    field.fill("")
    field.blur()

    page.keyboard.press("d")  # viewers cannot
    page.keyboard.press("?")
    help_dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(help_dialog).to_be_visible()
    axe(page)
    help_dialog.get_by_label("Use shortcuts of a single key").uncheck()
    page.keyboard.press("Escape")
    expect(help_dialog).to_be_hidden()

    page.reload()
    for key in "/j?":
        page.keyboard.press(key)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(row_with_focus(page)).to_have_count(0)
    page.keyboard.press("Control+k")
    expect(dialog_of(page)).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.get_by_label("Use shortcuts of a single key")).not_to_be_checked()


def test_the_list_is_two_stops_away(open_page: OpenPage, agents: None) -> None:
    page = open_page(f"{LIST}?tag=keyed")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the list")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#changelist-form') !== null")


def test_the_search_works_without_scripts(open_page: OpenPage, agents: None) -> None:
    page = open_page("/admin/", java_script_enabled=False)
    page.get_by_role("link", name=re.compile("^Search")).click()
    page.get_by_label("Agents, hosts, skills").fill("keyed-3")
    page.get_by_role("main").get_by_role("button", name="Search").click()
    page.get_by_role("link", name="keyed-3").first.click()
    page.wait_for_url("**/change/")
