"""Agents that died are found, and remembered by their page."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.seeded_registry import SeededRegistry

# The made-up fleet's agent that died with its host and never came back.
LOST, HOST = "weather-7", "eu-node-04"
AGENTS = "/admin/agents/agentrecord/"


def test_an_agent_that_died_is_found_and_its_page_says_what_is_known(
    registry: SeededRegistry, open_page: OpenPage, axe: Callable[[Page], None]
) -> None:
    page = open_page(f"{AGENTS}?q={LOST}", role="Viewer")
    page.get_by_role("link", name="Search all that are gone").click()
    page.get_by_role("link", name="Died").click()
    row = page.get_by_role("row").filter(has_text=LOST)
    expect(row).to_contain_text("No heartbeat for 60 s")
    expect(row).to_contain_text(f"{HOST}:8000")
    axe(page)

    row.get_by_role("link", name=LOST).click()
    last = page.get_by_role("region", name="Last record")
    expect(last).to_contain_text(f"{HOST}:8000")
    expect(last).to_contain_text("1.7.1")
    together = page.get_by_role("region", name="Died on the same host at the same time")
    expect(together.get_by_text("back").first).to_be_visible()
    axe(page)
    together.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="About")).to_be_visible()


def test_the_list_of_the_gone_is_usable_on_a_phone(
    registry: SeededRegistry, open_page: OpenPage, axe: Callable[[Page], None]
) -> None:
    page = open_page(f"{AGENTS}gone/", width=400, colours="dark")
    page.get_by_role("searchbox", name="Part of the id, name or host").fill(HOST)
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("row").filter(has_text=LOST)).to_be_visible()
    axe(page)
    page.goto(f"{page.url}&q=nothing-like-that")
    expect(page.get_by_text("No matching agents.")).to_be_visible()
