"""Time zones, undo, sessions that end, and pages of errors, as a person meets them."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from agents import leases
from agents.models import AgentRecord, Channel, Rule
from tests.browser.conftest import OpenPage
from tests.browser.problems import Problems

pytestmark = pytest.mark.integration

Axe = Callable[[Page], None]
PASSWORD = "a right password"


def test_times_are_in_the_browsers_zone_and_in_utc_on_hover(open_page: OpenPage, axe: Axe) -> None:
    leases.register(agent_id="zone-1", host="h", port=1)
    page = open_page(
        "/admin/login/?next=/admin/agents/agentrecord/zone-1/change/", timezone_id="Asia/Tokyo"
    )
    page.goto("/admin/agents/agentrecord/zone-1/change/")

    registered = page.locator("dt", has_text="Registered").locator("+ dd time")
    expect(registered).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d JST$"))
    expect(registered).to_have_attribute("title", re.compile(r" UTC$"))
    expect(page.get_by_text("Times are in Asia/Tokyo (UTC+0900).")).to_be_visible()
    axe(page)


def test_a_drained_selection_gets_back_what_it_had(open_page: OpenPage, axe: Axe) -> None:
    states = {"undo-1": "active", "undo-2": "quarantined", "undo-3": "draining"}
    for agent_id, state in states.items():
        leases.register(agent_id=agent_id, host="h", port=1)
        leases.set_state(agent_id=agent_id, state=state, actor="admin:ada")
    page = open_page("/admin/agents/agentrecord/?q=undo-", role="Operator")

    for agent_id in states:
        page.get_by_role("checkbox", name=f"Select {agent_id} for an action").check()
    page.get_by_role("button", name="Drain…").click()
    page.get_by_label("Reason").fill("a wrong click")
    page.get_by_role("button", name="Drain", exact=True).click()

    message = page.get_by_role("list").filter(has_text="2 agents drained")
    expect(message).to_be_visible()
    axe(page)
    message.get_by_role("button", name="Undo").press("Enter")

    expect(page.get_by_text("Drain undone for 2 agents.")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?q=undo-$"))
    found = AgentRecord.objects.filter(pk__in=states).values_list("agent_id", "state")
    assert dict(found) == states


def test_what_was_typed_outlives_the_session(open_page: OpenPage, axe: Axe) -> None:
    # The tests' own hashes are quicker than a registry takes.
    hashed = PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1000)
    User.objects.create(username="typist", is_staff=True, is_superuser=True, password=hashed)
    now = timezone.now()
    Channel.objects.create(name="Kept channel", kind="apprise", created_at=now, created_by="")
    page = open_page("/admin/login/?next=/admin/agents/rule/add/", role=None)
    log_in(page)
    page.get_by_label("Name").fill("Kept rule")
    page.get_by_label("Filter").fill("tag=gpu")
    page.get_by_role("checkbox", name="Expired", exact=True).check()
    page.get_by_role("checkbox", name="Kept channel").check()
    page.context.clear_cookies(name="sessionid")

    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    axe(page)
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "gpu" not in stored
    log_in(page)

    expect(page.get_by_text("Your session had ended, so nothing was saved.")).to_be_visible()
    expect(page.get_by_label("Filter")).to_have_value("tag=gpu")
    expect(page.get_by_role("checkbox", name="Expired", exact=True)).to_be_checked()
    assert not Rule.objects.filter(name="Kept rule").exists()
    axe(page)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    Rule.objects.get(name="Kept rule").delete()
    Channel.objects.get(name="Kept channel").delete()


def log_in(page: Page) -> None:
    page.get_by_label("Username").fill("typist")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/admin/agents/nowhere/", "There is no such page"),
        ("/admin/auth/user/", "You do not have the permission for this"),
        ("/admin/agents/agentrecord/views/save/", "This address only accepts forms"),
    ],
)
def test_errors_lead_home(
    open_page: OpenPage, axe: Axe, problems: Problems, path: str, heading: str
) -> None:
    problems.allow(r"response: 40[345]")
    page = open_page(path, role="Operator")

    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    axe(page)
    page.get_by_role("main").get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
