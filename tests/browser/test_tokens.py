from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from agents import leases
from agents.models import AccessToken
from agents.tokens import access as access_tokens
from agents.tokens.enrollment import Enrolment
from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.integration


def test_a_token_is_copied_by_a_button_and_a_reload_issues_no_other(open_page: OpenPage) -> None:
    page = open_page("/admin/agents/accesstoken/add/")
    page.get_by_label("Name").fill("copied once")
    page.get_by_role("button", name="Issue the token").click()
    page.evaluate(
        "() => { Object.defineProperty(navigator, 'clipboard', {value: undefined});"
        " document.execCommand = (command) => { window.copied ="
        " [command, document.activeElement.value ?? getSelection().toString()]; }; }"
    )
    button = page.locator("[data-copy]")
    button.click()
    expect(button).to_have_text("Copied")
    secret = page.locator("#secret-text").inner_text()
    assert page.evaluate("window.copied") == ["copy", secret]

    page.reload()
    expect(page.get_by_text("A token is shown only once.")).to_be_visible()
    assert secret not in page.content()
    assert AccessToken.objects.filter(name="copied once").count() == 1


def test_a_token_is_replaced_and_a_leaked_one_revoked_with_its_agents(
    open_page: OpenPage, axe: Callable[[Page], None]
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
