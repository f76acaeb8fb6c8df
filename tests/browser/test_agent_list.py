"""The list of agents, as people use it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from agents import leases
from agents.models import AgentRecord
from tests.browser.conftest import NARROW, OpenPage

pytestmark = pytest.mark.integration

LIST = "/admin/agents/agentrecord/"
ROW_PIXELS = 36


@pytest.fixture
def page_of_agents(open_page: OpenPage) -> Callable[..., Page]:
    """A function that opens the list of 24 agents of the test's own."""
    for number in range(24):
        agent_id = f"listed-{number:02}"
        leases.register(
            agent_id=agent_id,
            host=f"rack-{number % 12:02}",
            port=8000,
            version=f"7.{number % 3}",
            tags=["listed", "eu" if number % 2 else "us"],
            skills=["sort"],
            ttl_seconds=86_400,
        )
        leases.renew(agent_id=agent_id, load=number / 25)
    leases.renew(agent_id="listed-09", status="degraded", note="the disk is full")
    return lambda query="", **options: open_page(f"{LIST}?tag=listed{query}", **options)


def rows(page: Page) -> Locator:
    return page.locator("#result_list tbody tr")


def first(page: Page) -> Locator:
    return rows(page).first


def test_twenty_rows_of_one_line_fit_and_the_worst_is_first(
    open_page: OpenPage, page_of_agents: Callable[..., Page], axe: Callable[[Page], None]
) -> None:
    page = page_of_agents()

    expect(rows(page)).to_have_count(24)
    expect(first(page)).to_contain_text("degraded")
    expect(first(page)).to_contain_text("the disk is full")
    assert rows(page).evaluate_all("rows => [...new Set(rows.map(row => row.offsetHeight))]") == [
        ROW_PIXELS
    ]
    axe(page)

    page.goto(LIST)
    visible = "rows => rows.filter(row => row.getBoundingClientRect().bottom <= innerHeight).length"
    assert rows(page).evaluate_all(visible) >= 20
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440
    axe(open_page(f"{LIST}?group=version", colours="dark"))


def test_columns_sort_and_values_filter(page_of_agents: Callable[..., Page]) -> None:
    page = page_of_agents()

    page.get_by_role("link", name="Load", exact=True).click()
    expect(first(page)).to_contain_text("listed-23")
    expect(page.get_by_role("columnheader", name="Load")).to_have_attribute(
        "aria-sort", "descending"
    )
    page.get_by_role("link", name="Load", exact=True).click()
    expect(first(page)).to_contain_text("listed-00")

    first(page).get_by_role("link", name="rack-00").click()
    expect(rows(page)).to_have_count(2)
    first(page).get_by_role("link", name="7.0", exact=True).click()
    first(page).get_by_role("link", name="us", exact=True).click()
    expect(page.get_by_role("list", name="Filters")).to_contain_text("rack-00")
    page.get_by_role("link", name="Clear host rack-00").click()
    expect(rows(page)).to_have_count(4)
    page.get_by_role("link", name="Clear all").click()
    expect(page.get_by_role("list", name="Filters")).to_have_count(0)


def test_a_facet_is_narrowed_by_typing(page_of_agents: Callable[..., Page]) -> None:
    page = page_of_agents()
    hosts = page.get_by_role("region", name="Host")
    box = hosts.get_by_role("searchbox")
    shown = hosts.get_by_role("link")

    expect(shown).to_have_count(6)
    box.fill("rack-1")
    expect(shown).to_have_text(["rack-10 2", "rack-11 2"])
    box.fill("nowhere")
    expect(hosts.get_by_text("No such value.")).to_be_visible()
    box.fill("rack-11")
    box.press("Enter")
    expect(rows(page)).to_have_count(2)
    expect(page.get_by_role("link", name="Clear host rack-11")).to_be_visible()

    versions = page.get_by_role("region", name="Version").get_by_role("searchbox")
    versions.fill(">=7.2")
    versions.press("Enter")
    expect(page.get_by_role("link", name="Clear version >=7.2")).to_be_visible()


def test_groups_have_counts_and_lead_to_their_agents(page_of_agents: Callable[..., Page]) -> None:
    page = page_of_agents()

    page.get_by_role("navigation", name="Group by").get_by_role("link", name="version").click()
    group = page.get_by_role("row", name="7.0 8")
    expect(group).to_contain_text("1 with warnings")
    expect(group).to_contain_text("7 alive")
    group.get_by_role("link").click()
    expect(rows(page)).to_have_count(8)


def test_actions_appear_when_an_agent_is_ticked(
    page_of_agents: Callable[..., Page], axe: Callable[[Page], None]
) -> None:
    page = page_of_agents("&o=id", role="Operator")
    actions = page.get_by_role("group", name="Actions for the ticked agents")

    expect(actions).to_be_hidden()
    page.get_by_label("Select listed-03 for an action").check()
    expect(actions).to_contain_text("1 of 24 selected")
    expect(actions).to_be_in_viewport()
    axe(page)
    actions.get_by_role("button", name="Drain").click()
    page.get_by_role("button", name="Drain", exact=True).click()
    expect(page.get_by_text("1 agent drained")).to_be_visible()
    assert AgentRecord.objects.get(pk="listed-03").state == "draining"
    leases.set_state(agent_id="listed-03", state="active", actor="test")


def test_a_phone_has_cards_of_two_lines_and_filters_in_a_drawer(
    page_of_agents: Callable[..., Page], axe: Callable[[Page], None]
) -> None:
    page = page_of_agents(width=NARROW, colours="dark")

    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW
    assert max(rows(page).evaluate_all("rows => rows.map(row => row.offsetHeight)")) < 64
    axe(page)
    drawer = page.get_by_role("navigation", name="Filters")
    expect(drawer).to_be_hidden()
    page.get_by_role("button", name="Filters").click()
    expect(drawer).to_be_visible()
    axe(page)
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    page.get_by_role("button", name="Filters").click()
    drawer.get_by_role("link", name="degraded 1").first.click()
    expect(rows(page)).to_have_count(1)


def test_the_list_works_without_scripts(page_of_agents: Callable[..., Page]) -> None:
    page = page_of_agents(java_script_enabled=False, role="Viewer")

    expect(rows(page)).to_have_count(24)
    expect(page.locator(".action-select")).to_have_count(0)
    hosts = page.get_by_role("region", name="Host")
    hosts.get_by_text("6 more").click()
    hosts.get_by_role("link", name="rack-11 2").click()
    expect(rows(page)).to_have_count(2)
    versions = page.get_by_role("region", name="Version").get_by_role("searchbox")
    versions.fill("7.2")
    versions.press("Enter")
    expect(page.get_by_role("link", name="Clear version 7.2")).to_be_visible()
