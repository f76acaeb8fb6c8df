"""Open pages refresh themselves without disturbing their readers."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from agents import leases
from agents.models import ActivityMinute
from tests.browser.devtools import Tab
from tests.factories import AgentFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

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
ALIVE = "document.querySelector('.tile-count').textContent"
FIRST_TILE = "document.querySelector('.tile a')"
TABLE = "document.querySelector('#activity details')"
STATUS = "document.querySelector('.live-status').textContent"
BUTTON = "document.querySelector('.live-button')"
STATUSES = (
    "performance.getEntriesByType('resource').filter(one => one.name.endsWith('/overview/'))"
    ".map(one => one.responseStatus)"
)
REQUESTS = f"{STATUSES}.length"

OpenPage = Callable[[], Tab]


@pytest.fixture
def open_page(open_tab: Callable[[], Tab], live_server: LiveServer, client: Client) -> OpenPage:
    """A function that opens the front page in a new tab, as a superuser."""
    client.force_login(User.objects.create_superuser("grace"))
    session = client.cookies["sessionid"].value
    AgentFactory.create(agent_id="first", ttl_seconds=3600)

    def front_page() -> Tab:
        tab = open_tab()
        tab.call("Network.setCookie", name="sessionid", value=session, url=live_server.url)
        tab.call("Page.enable")
        tab.call("Page.addScriptToEvaluateOnNewDocument", source=FAST_REFRESH)
        tab.open(f"{live_server.url}/admin/")
        tab.wait_for(f"{REQUESTS} > 0")
        return tab

    return front_page


def wait_for_refreshes(tab: Tab, times: int = 3) -> None:
    """Wait until the page has refreshed `times` more."""
    tab.wait_for(f"{REQUESTS} >= {tab.evaluate(REQUESTS) + times}")


def test_a_refresh_keeps_focus_scrolling_and_open_tables(open_page: OpenPage) -> None:
    tab = open_page()
    tab.evaluate(f"window.loadedOnce = true; {TABLE}.open = true; {FIRST_TILE}.focus()")
    tab.evaluate("scrollTo(0, 50)")
    assert tab.evaluate(ALIVE) == "1"

    AgentFactory.create(ttl_seconds=3600)
    tab.wait_for(f"{ALIVE} === '2'")

    assert tab.evaluate("window.loadedOnce")
    assert tab.evaluate(f"document.activeElement === {FIRST_TILE}")
    assert tab.evaluate(f"{TABLE}.open")
    assert tab.evaluate("scrollY") == 50


def test_an_open_table_stays_open_when_its_chart_changes(open_page: OpenPage) -> None:
    tab = open_page()
    tab.evaluate(f"{TABLE}.open = true")

    ActivityMinute.objects.create(
        minute=timezone.now().replace(second=0, microsecond=0), heartbeats=7
    )
    tab.wait_for(
        "document.querySelector('.living-legend li:last-child strong').textContent === '7'"
    )

    assert tab.evaluate(f"{TABLE}.open")


def test_a_new_event_does_not_move_the_focus(open_page: OpenPage) -> None:
    leases.register(agent_id="watched", host="h", port=1)
    tab = open_page()
    link = "document.querySelector('.newest li:has(a[href*=watched]) a')"
    tab.wait_for(f"{link} !== null")
    tab.evaluate(f"{link}.focus()")

    leases.register(agent_id="newer", host="h", port=1)
    tab.wait_for("document.querySelector('.newest li').textContent.includes('newer')")

    assert tab.evaluate(f"document.activeElement === {link}")


def test_selected_text_is_updated_after_the_selection(open_page: OpenPage) -> None:
    tab = open_page()
    tab.evaluate("getSelection().selectAllChildren(document.querySelector('.tile-count'))")
    AgentFactory.create(ttl_seconds=3600, state="draining")
    tab.wait_for("document.querySelector('.tile.level-hold .tile-count').textContent === '1'")
    wait_for_refreshes(tab)

    assert tab.evaluate("String(getSelection())") == "1"
    tab.evaluate("getSelection().removeAllRanges()")
    tab.wait_for(f"{ALIVE} === '2'")


def test_an_unchanged_page_gets_304_and_its_ages_still_grow(open_page: OpenPage) -> None:
    leases.register(agent_id="a", host="h", port=1, ttl_seconds=3600)
    tab = open_page()
    age = "document.querySelector('.newest time').textContent"
    before = tab.evaluate(age)

    tab.wait_for(f"{age} !== {before!r}")

    tab.wait_for(f"{STATUSES}.includes(304)")
    assert tab.evaluate(age).endswith(" s ago")


def test_a_hidden_tab_makes_no_requests_until_it_is_shown(open_page: OpenPage) -> None:
    tab = open_page()
    other = open_page()
    tab.wait_for("document.hidden")
    requests_before = tab.evaluate(REQUESTS)
    AgentFactory.create(ttl_seconds=3600)
    other.wait_for(f"{ALIVE} === '2'")
    # The browser limits the timers of a hidden tab to one a second.
    wait_for_refreshes(other, times=12)

    # A request in progress when the tab was hidden may have ended since.
    assert tab.evaluate(REQUESTS) <= requests_before + 1
    assert tab.evaluate(ALIVE) == "1"
    tab.show()
    tab.wait_for(f"{ALIVE} === '2'")


def test_refreshing_can_be_paused(open_page: OpenPage) -> None:
    tab = open_page()
    tab.evaluate(f"{BUTTON}.focus()")
    tab.press_enter()
    tab.wait_for(f"{STATUS} === 'Refreshing is paused.'")
    assert tab.evaluate(f"{BUTTON}.textContent") == "Resume refreshing"

    AgentFactory.create(ttl_seconds=3600)
    tab.wait_for("document.querySelector('.live-age').textContent.endsWith(' 2 s.')")

    assert tab.evaluate(ALIVE) == "1"
    tab.press_enter()
    tab.wait_for(f"{ALIVE} === '2'")
    assert tab.evaluate(STATUS) == ""


def test_an_unreachable_registry_is_announced_once(
    open_page: OpenPage,
) -> None:
    tab = open_page()
    tab.call("Network.enable")
    network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    tab.call("Network.emulateNetworkConditions", offline=True, **network)

    tab.wait_for(f"{STATUS} === 'The registry does not respond. Retrying.'")
    tab.wait_for("document.querySelector('.live-age').textContent.startsWith('Not refreshed for')")
    assert not tab.evaluate(
        "document.querySelector('.live-status').contains(document.querySelector('.live-age'))"
    )

    tab.call("Network.emulateNetworkConditions", offline=False, **network)
    tab.wait_for(f"{STATUS} === ''")


def test_refreshing_stops_with_a_message_after_a_logout(open_page: OpenPage) -> None:
    tab = open_page()
    Session.objects.all().delete()

    tab.wait_for(f"{STATUS}.includes('Refreshing has stopped')")
    tab.wait_for(f"{BUTTON}.hidden")  # all regions have stopped

    requests_before = tab.evaluate(REQUESTS)
    tab.wait_for("document.querySelector('.live-age').textContent.endsWith(' 2 s.')")
    assert tab.evaluate(REQUESTS) == requests_before
    assert tab.evaluate(ALIVE) == "1"
    assert tab.evaluate("document.querySelector('.live-controls a').href").endswith("/admin/")
