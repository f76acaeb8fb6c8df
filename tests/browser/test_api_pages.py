"""The API in a browser: its documentation, and its answers as pages."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from agents import leases
from agents.models import AgentRecord
from tests.browser.conftest import OpenPage
from tests.browser.problems import Problems

pytestmark = pytest.mark.integration


def test_the_documentation_tries_a_call_out(
    open_page: OpenPage, axe: Callable[[Page], None]
) -> None:
    leases.register(agent_id="documented", host="h", port=1)
    page = open_page("/docs", role="Viewer")
    expect(page.get_by_role("navigation", name="Registry").get_by_text("API")).to_have_attribute(
        "aria-current", "page"
    )
    page.get_by_role("button").filter(has_text=re.compile("^GET.*One agent, alive or not$")).click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_label("agent_id", exact=True).fill("documented")
    axe(page)
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table")).to_contain_text('"agent_id": "documented"')


def test_an_agent_is_registered_and_deleted_on_pages_of_the_api(
    open_page: OpenPage, problems: Problems
) -> None:
    problems.allow("405 GET .*/agents/register$")
    page = open_page("/agents/register", role="Superuser")
    page.get_by_label("Content").fill('{"agent_id": "by-hand", "host": "h"}')
    problems.allow("422 POST .*/agents/register$")
    page.get_by_role("button", name="POST").click()
    expect(page.get_by_label("Response")).to_contain_text("This field is required")

    page.get_by_label("Content").fill('{"agent_id": "by-hand", "host": "h", "port": 1}')
    page.get_by_role("button", name="POST").click()
    expect(page.get_by_label("Response")).to_contain_text("HTTP 201 Created")

    page.goto("/agents/by-hand")
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="DELETE").click()
    assert AgentRecord.objects.filter(pk="by-hand").exists()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="DELETE").click()
    expect(page.get_by_label("Response")).to_contain_text('"status": "deleted"')
