"""The open agent list: its rows are refreshed in their places."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F
from playwright.sync_api import BrowserContext, Locator, Page, expect

from agents import leases
from agents.models import AgentRecord
from tests.browser.conftest import OpenPage
from tests.browser.live import hide, hold_back, log_in_alone, no_request
from tests.browser.seeded_registry import LONG_TTL_SECONDS, SeededRegistry

pytestmark = pytest.mark.integration

# Before the page's own scripts run: nobody wants to wait for ten seconds, again and again. The
# browser's clock is wrong by a day, and somebody sets it once more.
BEFORE = """
document.addEventListener("readystatechange", () => {
  const table = document.querySelector("#result_list");
  if (table) table.dataset.liveSeconds = table.dataset.liveIdleSeconds = "%s";
});
const real = Date.now.bind(Date);
Date.now = () => real() + 86_400_000;
"""
ROWS = "/admin/agents/agentrecord/rows/"
MINUTE_MS = 60_000

OpenList = Callable[..., Page]


@pytest.fixture
def open_list(open_page: OpenPage) -> OpenList:
    """A function that opens the list of a tag's agents; it refreshes every so many seconds."""

    def the_list(
        tag: str, seconds: float = 0.2, before: Callable[[BrowserContext], object] | None = None
    ) -> Page:
        def prepare(context: BrowserContext) -> None:
            if before is not None:
                before(context)
            context.add_init_script(BEFORE % seconds)

        return open_page(f"/admin/agents/agentrecord/?tag={tag}", before=prepare)

    return the_list


def register(*agent_ids: str, tag: str, ttl_seconds: int = LONG_TTL_SECONDS) -> None:
    for agent_id in agent_ids:
        leases.register(
            agent_id=agent_id, host="10.0.0.8", port=1, tags=[tag], ttl_seconds=ttl_seconds
        )


def row(page: Page, agent_id: str) -> Locator:
    return page.locator(f'tr[data-agent="{agent_id}"]')


def cell(page: Page, agent_id: str, column: str) -> Locator:
    return row(page, agent_id).locator(f".field-{column}")


def install_clock(context: BrowserContext) -> None:
    context.clock.install()


def test_rows_change_and_ticks_and_focus_stay(open_list: OpenList) -> None:
    register("row-a", "row-b", tag="changes")
    page = open_list("changes")
    page.evaluate("window.loadedOnce = true")
    row(page, "row-a").locator(".action-select").check()
    link = cell(page, "row-b", "agent").get_by_role("link", name="row-b", exact=True)
    link.focus()

    leases.renew(agent_id="row-a", status="degraded", note="slow")

    expect(cell(page, "row-a", "state")).to_contain_text("degraded")
    expect(cell(page, "row-a", "note")).to_contain_text("slow")
    assert page.evaluate("window.loadedOnce")
    expect(row(page, "row-a").locator(".action-select")).to_be_checked()
    expect(link).to_be_focused()


def test_a_removed_agent_is_marked_in_its_row_and_may_come_back(open_list: OpenList) -> None:
    register("stays", "leaves", tag="removal")
    page = open_list("removal")
    is_gone = re.compile("fleet-gone")

    leases.deregister(agent_id="leaves")
    expect(cell(page, "leaves", "state")).to_contain_text("gone")
    expect(row(page, "leaves")).to_have_class(is_gone)
    expect(row(page, "stays")).not_to_have_class(is_gone)

    register("leaves", tag="removal")
    expect(cell(page, "leaves", "state")).to_contain_text("alive")
    expect(row(page, "leaves")).not_to_have_class(is_gone)


def test_a_lease_counts_down_whatever_the_browsers_clock_says(open_list: OpenList) -> None:
    register("counted", tag="countdown", ttl_seconds=3600)
    page = open_list("countdown", before=lambda context: context.route(f"**{ROWS}", hold_back))
    left = cell(page, "counted", "time_left")
    before = left.inner_text()
    assert before.startswith("59 min")

    expect(left).not_to_have_text(before)

    assert left.inner_text().startswith("59 min")


def test_a_lease_that_ends_changes_words_and_colour(open_list: OpenList) -> None:
    register("ends", tag="ending", ttl_seconds=60)
    AgentRecord.objects.filter(pk="ends").update(
        last_heartbeat=F("last_heartbeat") - timedelta(seconds=57)
    )
    page = open_list("ending", seconds=600)

    expect(cell(page, "ends", "time_left").locator(".level-bad")).to_contain_text("ended")
    # It is asked about before its time.
    expect(cell(page, "ends", "state")).to_contain_text("expired")


def test_a_hidden_list_makes_no_requests(open_list: OpenList) -> None:
    register("unseen", tag="hidden")
    page = open_list("hidden", before=install_clock)
    with page.expect_response(f"**{ROWS}"):
        page.clock.run_for(MINUTE_MS)
    hide(page, is_hidden=True)

    with no_request(page, ROWS):
        page.clock.run_for(MINUTE_MS)

    with page.expect_response(f"**{ROWS}"):
        hide(page, is_hidden=False)


def test_after_a_logout_the_list_stops_and_says_so(
    open_list: OpenList, registry: SeededRegistry
) -> None:
    register("watched", tag="logout")
    sessions = []

    def prepare(context: BrowserContext) -> None:
        sessions.append(log_in_alone(context, registry, "Admin"))
        install_clock(context)

    page = open_list("logout", before=prepare)
    sessions[0].delete()

    expect(page.locator(".live-status")).to_contain_text("logged out")
    with no_request(page, ROWS):
        page.clock.run_for(MINUTE_MS)


def test_a_link_can_be_copied_without_tls(open_list: OpenList) -> None:
    register("linked", tag="link")
    page = open_list("link")
    page.evaluate(
        "() => { Object.defineProperty(navigator, 'clipboard', {value: undefined});"
        " document.execCommand = (name) => {"
        " window.copied = [name, document.activeElement.value]; return true; }; }"
    )
    page.get_by_text("Share", exact=True).click()
    button = page.locator("[data-copy-link]")
    button.click()

    expect(button).to_have_text("Copied")
    assert page.evaluate("window.copied") == ["copy", page.url]
