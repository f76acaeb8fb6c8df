"""The open agent list: its rows are refreshed in their places."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from agents import leases
from tests.agents.passing_time import time_passes
from tests.browser.devtools import Tab
from tests.factories import AgentFactory

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

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
ASKED = "performance.getEntriesByType('resource').filter(one => one.name.endsWith('/rows/')).length"
STATUS = "document.querySelector('.live-status').textContent"

OpenList = Callable[..., Tab]


@pytest.fixture
def open_list(open_tab: Callable[[], Tab], live_server: LiveServer, client: Client) -> OpenList:
    """What opens the list in a new tab, for a superuser; it refreshes every so many seconds."""
    client.force_login(User.objects.create_superuser("grace"))
    session = client.cookies["sessionid"].value

    def the_list(seconds: float = 0.2) -> Tab:
        tab = open_tab()
        tab.call("Network.setCookie", name="sessionid", value=session, url=live_server.url)
        tab.call("Page.enable")
        tab.call("Page.addScriptToEvaluateOnNewDocument", source=BEFORE % seconds)
        tab.open(f"{live_server.url}/admin/agents/agentrecord/")
        return tab

    return the_list


def cell(agent_id: str, column: str) -> str:
    """Return JavaScript for a cell of an agent's row."""
    row = f"document.querySelector('[data-agent={agent_id}]').closest('tr')"
    return f"{row}.querySelector('.field-{column}')"


def test_rows_change_and_ticks_and_focus_stay(open_list: OpenList) -> None:
    leases.register(agent_id="a", host="h", port=1, ttl_seconds=3600)
    leases.register(agent_id="b", host="h", port=1, ttl_seconds=3600)
    tab = open_list()
    box = "document.querySelector('.action-select[value=a]')"
    tab.evaluate(
        f"window.loadedOnce = true; {box}.click(); {cell('b', 'agent')}.firstChild.focus()"
    )

    leases.renew(agent_id="a", status="degraded", note="slow")
    tab.wait_for(f"{cell('a', 'state')}.textContent.startsWith('degraded')")

    assert "slow" in tab.evaluate(f"{cell('a', 'note')}.textContent")
    assert tab.evaluate("window.loadedOnce")
    assert tab.evaluate(f"{box}.checked")
    assert tab.evaluate(f"document.activeElement === {cell('b', 'agent')}.firstChild")


def test_a_removed_agent_is_marked_in_its_row_and_may_come_back(
    open_list: OpenList,
) -> None:
    for agent_id in "abc":
        leases.register(agent_id=agent_id, host="h", port=1, ttl_seconds=3600)
    tab = open_list()

    leases.deregister(agent_id="b")
    tab.wait_for(f"{cell('b', 'state')}.textContent.startsWith('gone')")

    rows = "[...document.querySelectorAll('#result_list tbody tr')]"
    assert tab.evaluate(f"{rows}.map(row => row.classList.contains('fleet-gone'))") == [
        False,
        True,
        False,
    ]
    leases.register(agent_id="b", host="h", port=1, ttl_seconds=3600)
    tab.wait_for(f"{cell('b', 'state')}.textContent.startsWith('alive')")
    assert not tab.evaluate(f"{rows}.some(row => row.classList.contains('fleet-gone'))")


def test_a_lease_counts_down_whatever_the_browsers_clock_says(
    open_list: OpenList,
) -> None:
    AgentFactory.create(agent_id="a", ttl_seconds=3600)
    AgentFactory.create(agent_id="b", ttl_seconds=3600)
    tab = open_list(600)
    left = f"{cell('a', 'time_left')}.textContent"
    before = tab.evaluate(left)
    assert before.startswith("59 min")

    tab.wait_for(f"{left} !== '{before}'")

    assert tab.evaluate(left).startswith("59 min")
    assert tab.evaluate(ASKED) == 0


def test_a_lease_that_ends_changes_words_and_colour(open_list: OpenList) -> None:
    AgentFactory.create(agent_id="a", ttl_seconds=60)
    time_passes(57)
    tab = open_list(600)

    tab.wait_for(f"{cell('a', 'time_left')}.querySelector('.level-bad') !== null")

    assert tab.evaluate(f"{cell('a', 'time_left')}.textContent.startsWith('ended')")
    # It is asked about before its time.
    tab.wait_for(f"{cell('a', 'state')}.textContent.startsWith('expired')")


def test_a_hidden_list_makes_no_requests(open_list: OpenList) -> None:
    AgentFactory.create(ttl_seconds=3600)
    tab, other = open_list(), open_list(600)
    tab.wait_for("document.hidden")
    asked = tab.evaluate(ASKED)

    other.evaluate("new Promise(done => setTimeout(done, 1000))")
    assert tab.evaluate(ASKED) <= asked + 1  # one that was under way

    tab.show()
    tab.wait_for(f"{ASKED} > {asked + 1}")


def test_after_a_logout_the_list_stops_and_says_so(open_list: OpenList) -> None:
    AgentFactory.create(ttl_seconds=3600)
    tab = open_list()
    tab.wait_for(f"{ASKED} > 0")

    Session.objects.all().delete()
    tab.wait_for(f"{STATUS}.includes('logged out')")

    asked = tab.evaluate(ASKED)
    tab.evaluate("new Promise(done => setTimeout(done, 1000))")
    assert tab.evaluate(ASKED) == asked


def test_a_link_can_be_copied_without_tls(open_list: OpenList) -> None:
    AgentFactory.create()
    tab = open_list()
    tab.evaluate(
        "Object.defineProperty(navigator, 'clipboard', {value: undefined});"
        "document.execCommand = (name) => {"
        " window.copied = [name, document.activeElement.value]; return true; };"
        "document.querySelector('[data-copy-link]').click()"
    )

    tab.wait_for("window.copied !== undefined")

    assert tab.evaluate("window.copied") == ["copy", tab.evaluate("location.href")]
    tab.wait_for("document.querySelector('[data-copy-link]').textContent === 'Copied'")
