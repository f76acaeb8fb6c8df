from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from agents import leases
from agents.models import AccessToken
from agents.tokens import access as access_tokens
from agents.tokens.enrollment import Enrolment
from tests.browser.conftest import OpenPage
from tests.browser.devtools import Tab
from tests.browser.seeded_registry import SeededRegistry

pytestmark = pytest.mark.integration


@pytest.mark.django_db(transaction=True)
def test_a_token_is_copied_by_a_button_and_a_reload_issues_no_other(
    open_tab: Callable[[], Tab], live_server: LiveServer, client: Client
) -> None:
    client.force_login(User.objects.create_superuser("grace"))
    tab = open_tab()
    session = client.cookies["sessionid"].value
    tab.call("Network.setCookie", name="sessionid", value=session, url=live_server.url)
    tab.call("Page.navigate", url=f"{live_server.url}/admin/agents/accesstoken/add/")
    tab.wait_for("document.getElementById('id_name') !== null")
    tab.evaluate(
        "document.getElementById('id_name').value = 'weather';"
        "document.querySelector('#accesstoken_form [type=submit]').click()"
    )
    tab.wait_for("document.querySelector('[data-copy]')?.hidden === false")
    tab.evaluate(
        "document.execCommand = command => {"
        "  window.copied = [command, document.activeElement.value ?? getSelection().toString()];"
        "};"
        "Object.defineProperty(navigator, 'clipboard', {value: undefined});"
        "document.querySelector('[data-copy]').click()"
    )
    tab.wait_for("document.querySelector('[data-copy]').textContent === 'Copied'")
    shown = tab.evaluate("document.getElementById('secret-text').textContent")
    assert tab.evaluate("window.copied") == ["copy", shown]

    tab.call("Page.reload")
    tab.wait_for("document.body.textContent.includes('A token is shown only once.')")
    assert shown not in tab.evaluate("document.documentElement.outerHTML")
    assert AccessToken.objects.count() == 1


def test_a_token_is_replaced_and_a_leaked_one_revoked_with_its_agents(
    open_page: OpenPage, registry: SeededRegistry, axe: Callable[[Page], None]
) -> None:
    old, _ = access_tokens.issue(name="tide team", actor="command", agent_prefix="tide-")
    enrolment = Enrolment(f"token:{old.key}", old.key)
    for agent_id in ("tide-here", "tide-too", "tide-gone"):
        leases.register(agent_id=agent_id, host="h", port=1, enrolment=enrolment)
    leases.deregister(agent_id="tide-gone")

    page = open_page(f"/admin/agents/accesstoken/{old.pk}/change/")
    page.get_by_role("link", name="Replace…").click()
    page.get_by_label("Keep the old token for").select_option("1 day")
    axe(page)
    page.get_by_role("button", name="Replace").click()
    expect(page.locator("#secret-text")).to_contain_text("art_")
    page.get_by_role("link", name=f"tide team ({old.key})").click()
    overlap = page.get_by_role("region", name="Replaced by")
    expect(overlap).to_contain_text("Until then, both are valid.")
    expect(overlap.get_by_role("link", name="tide-here")).to_be_visible()
    axe(page)

    page.set_viewport_size({"width": 400, "height": 900})
    page.get_by_role("link", name="Agents it registered").click()
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="tide-here")).to_contain_text("alive")
    expect(rows.filter(has_text="tide-gone")).to_contain_text("gone")
    axe(page)
    rows.get_by_role("link", name="tide-gone").click()
    expect(page.get_by_text("It was deregistered")).to_be_visible()

    page.goto(f"/admin/agents/accesstoken/{old.pk}/change/")
    page.get_by_role("link", name="Revoke and quarantine its agents…").click()
    page.get_by_label("Reason").fill("it was in a log")
    axe(page)
    page.get_by_role("button", name="Revoke and quarantine").click()
    expect(page.get_by_text("Revoked; 2 agents quarantined.")).to_be_visible()
    expect(page.get_by_text("revoked", exact=True).first).to_be_visible()
    page.goto("/admin/agents/agentrecord/tide-here/change/")
    expect(page.get_by_text(f"token {old.key} revoked: it was in a log").first).to_be_visible()
    expect(page.get_by_role("button", name="Resume…")).to_be_visible()
