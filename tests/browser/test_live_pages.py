"""Open pages refresh themselves without disturbing their readers."""

import re
from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Locator, Page, expect

from agents import leases
from agents.models import ActivityMinute
from tests.browser.conftest import OpenPage
from tests.browser.live import hide, log_in_alone, no_request
from tests.browser.problems import Problems
from tests.browser.seeded_registry import LONG_TTL_SECONDS, SeededRegistry

pytestmark = pytest.mark.integration

# Runs before the page's own scripts: makes refreshes faster, and removes `moveBefore`, which would
# keep the focus by itself.
FAST_REFRESH = """
delete Element.prototype.moveBefore;
document.addEventListener("readystatechange", () => {
  for (const region of document.querySelectorAll("[data-live]")) {
    region.dataset.liveSeconds = region.dataset.liveIdleSeconds = "0.2";
  }
});
"""
OVERVIEW = "/admin/overview/"
MINUTE_MS = 60_000

OpenOverview = Callable[..., Page]


@pytest.fixture
def open_overview(open_page: OpenPage) -> OpenOverview:
    """A function that opens the overview, which refreshes all the time."""

    def overview(before: Callable[[BrowserContext], object] | None = None) -> Page:
        def prepare(context: BrowserContext) -> None:
            if before is not None:
                before(context)
            context.add_init_script(FAST_REFRESH)

        return open_page("/admin/", before=prepare)

    return overview


def register(agent_id: str) -> None:
    leases.register(agent_id=agent_id, host="10.0.0.7", port=1, ttl_seconds=LONG_TTL_SECONDS)


def newest(page: Page, agent_id: str) -> Locator:
    """Return the links to an agent among the newest events."""
    return page.locator("#newest").get_by_role("link", name=agent_id, exact=True)


def living(page: Page) -> Locator:
    return page.locator(".tile-count").first


def test_a_refresh_keeps_focus_scrolling_and_open_tables(open_overview: OpenOverview) -> None:
    page = open_overview()
    page.evaluate("window.loadedOnce = true")
    table = page.locator("#activity details")
    table.get_by_text("As a table").click()
    tile = page.locator(".tile a").first
    tile.focus()
    page.evaluate("scrollTo(0, 50)")
    top = tile.bounding_box()

    register("seen-in-a-refresh")
    expect(newest(page, "seen-in-a-refresh")).to_be_visible()

    assert page.evaluate("window.loadedOnce")
    expect(tile).to_be_focused()
    expect(table).to_have_attribute("open", "")
    assert tile.bounding_box() == top


def test_an_open_table_stays_open_when_its_chart_changes(open_overview: OpenOverview) -> None:
    page = open_overview()
    table = page.locator("#activity details")
    table.get_by_text("As a table").click()
    heartbeats = page.locator(".living-legend li").last.locator("strong")
    before = heartbeats.inner_text()

    minute = timezone.now().replace(second=0, microsecond=0)
    ActivityMinute.objects.update_or_create(minute=minute, defaults={"heartbeats": 1_234_567})

    expect(heartbeats).not_to_have_text(before)
    expect(table).to_have_attribute("open", "")


def test_a_new_event_does_not_move_the_focus(open_overview: OpenOverview) -> None:
    register("focused-event")
    page = open_overview()
    link = newest(page, "focused-event")
    link.focus()

    register("newer-event")

    expect(newest(page, "newer-event")).to_be_visible()
    expect(link).to_be_focused()


def test_selected_text_is_updated_after_the_selection(open_overview: OpenOverview) -> None:
    page = open_overview()
    before = living(page).inner_text()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.tile-count'))")

    register("beside-a-selection")
    expect(newest(page, "beside-a-selection")).to_be_visible()

    assert page.evaluate("String(getSelection())") == before
    page.evaluate("getSelection().removeAllRanges()")
    expect(living(page)).not_to_have_text(before)


def test_an_unchanged_page_gets_304_and_its_ages_still_grow(open_overview: OpenOverview) -> None:
    register("ages")
    page = open_overview()
    with page.expect_response(lambda response: OVERVIEW in response.url and response.status == 304):
        pass
    age = page.locator("#newest time").first
    before = age.inner_text()

    expect(age).not_to_have_text(before)
    expect(age).to_have_text(re.compile(r" ago$"))


def test_a_hidden_tab_makes_no_requests_until_it_is_shown(open_overview: OpenOverview) -> None:
    page = open_overview(before=lambda context: context.clock.install())
    hide(page, is_hidden=True)
    register("while-hidden-overview")

    with no_request(page, OVERVIEW):
        page.clock.run_for(MINUTE_MS)

    hide(page, is_hidden=False)
    expect(newest(page, "while-hidden-overview")).to_be_visible()


def test_refreshing_can_be_paused(open_overview: OpenOverview) -> None:
    page = open_overview()
    status = page.locator(".live-status").first
    page.get_by_role("button", name="Pause refreshing").first.focus()
    page.keyboard.press("Enter")
    expect(status).to_have_text("Refreshing is paused.")
    expect(page.get_by_role("button", name="Resume refreshing").first).to_be_focused()

    age = page.locator(".live-age").first
    expect(age).to_have_text(re.compile(r"[2-4] s\.$"))  # what was under way has ended
    register("while-paused")
    expect(age).to_have_text(re.compile(r"([5-9]|\d\d) s\.$"))

    expect(newest(page, "while-paused")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(newest(page, "while-paused")).to_be_visible()
    expect(status).to_be_empty()


def test_an_unreachable_registry_is_announced_once(
    open_overview: OpenOverview, problems: Problems
) -> None:
    problems.allow("ERR_INTERNET_DISCONNECTED")
    page = open_overview()
    status = page.locator(".live-status").first
    page.context.set_offline(True)

    expect(status).to_have_text("The registry does not respond. Retrying.")
    expect(page.locator(".live-age").first).to_contain_text("Not refreshed for")
    expect(status.locator(".live-age")).to_have_count(0)

    page.context.set_offline(False)
    expect(status).to_be_empty()


def test_refreshing_stops_with_a_message_after_a_logout(
    open_overview: OpenOverview, registry: SeededRegistry
) -> None:
    sessions = []

    def prepare(context: BrowserContext) -> None:
        sessions.append(log_in_alone(context, registry, "Viewer"))
        context.clock.install()

    page = open_overview(before=prepare)
    sessions[0].delete()

    expect(page.locator(".live-status").first).to_contain_text("Refreshing has stopped")
    expect(page.locator(".live-button").first).to_be_hidden()  # all regions have stopped
    with no_request(page, OVERVIEW):
        page.clock.run_for(MINUTE_MS)
    link = page.get_by_role("link", name="Reload").first
    expect(link).to_have_attribute("href", re.compile("/admin/$"))
