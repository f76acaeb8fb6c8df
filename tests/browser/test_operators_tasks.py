"""What operators come for, each within four clicks from the overview. Typing is no click."""

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from agents import leases
from agents.actors import STAFF
from agents.models import AgentEvent, AgentRecord, Rule
from agents.tokens import access
from tests import plain_http
from tests.browser.conftest import OpenPage
from tests.browser.seeded_registry import SeededRegistry

pytestmark = pytest.mark.integration

MOST_CLICKS = 4


@dataclass
class Operator:
    page: Page
    clicks: int = 0

    def click(self, target: Locator) -> None:
        self.clicks += 1
        assert self.clicks <= MOST_CLICKS, f"click {self.clicks}: {target}"
        target.click()

    def follow(self, name: str) -> None:
        """Click a link by its words."""
        self.click(self.page.get_by_role("link", name=name, exact=True).first)

    def press(self, name: str) -> None:
        """Click a button by its words."""
        self.click(self.page.get_by_role("button", name=name, exact=True).first)

    def go_to(self, name: str) -> None:
        """Click a link of the navigation."""
        navigation = self.page.get_by_role("navigation", name="Registry")
        self.click(navigation.get_by_role("link", name=name, exact=True))

    def choose(self, name: str, value: str) -> None:
        self.clicks += 1
        self.page.get_by_label(name).select_option(value)

    def search(self, text: str) -> None:
        self.page.keyboard.press("/")
        self.page.keyboard.type(text)

    def follow_found(self, name: str) -> None:
        """Click what the search has found."""
        self.click(self.page.get_by_role("dialog").get_by_role("link").filter(has_text=name).first)

    def sees(self, text: str) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible()


@pytest.fixture
def operator(open_page: OpenPage) -> Operator:
    return Operator(open_page("/admin/", role="Admin"))


def test_why_did_an_agent_vanish_last_night(operator: Operator) -> None:
    operator.search("weather-7")
    operator.follow_found("weather-7")
    operator.sees("Its lease ended")
    operator.sees("no heartbeat for 60 s")
    operator.sees("eu-node-04")


def test_drain_all_agents_on_a_host(operator: Operator) -> None:
    for number in (1, 2, 3):
        leases.register(agent_id=f"moved-{number}", host="old-node", port=1, ttl_seconds=3600)
    operator.search("old-node")
    operator.follow_found("old-node")
    operator.click(operator.page.locator("#action-toggle"))
    operator.press("Drain…")
    operator.page.get_by_label("Reason").fill("the node is replaced")
    operator.press("Drain")
    operator.sees("3 agents")
    moved = AgentRecord.objects.filter(host="old-node")
    assert {agent.state for agent in moved} == {"draining"}


def test_who_has_a_skill_and_is_least_loaded(operator: Operator) -> None:
    for number, load in ((1, 0.9), (2, 0.1), (3, 0.5)):
        agent_id = f"painter-{number}"
        leases.register(
            agent_id=agent_id, host="h", port=1, skills=["paint-roses"], ttl_seconds=3600
        )
        leases.renew(agent_id=agent_id, load=load)
    operator.search("paint-roses")
    operator.follow_found("paint-roses")
    heading = operator.page.locator(".column-load a")
    operator.click(heading)
    expect(operator.page).to_have_url(re.compile("o=load"))
    operator.click(heading)
    rows = operator.page.locator("#result_list tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("painter-2")


def test_which_versions_of_an_agent_run_where(operator: Operator) -> None:
    operator.go_to("Agents")
    operator.page.locator("#searchbar").fill("support-")
    operator.page.keyboard.press("Enter")
    operator.follow("version")
    operator.sees("2.2.1")
    operator.follow("2.2.1")
    expect(operator.page.locator("#result_list tbody tr")).to_have_count(12)
    expect(operator.page.locator("#result_list .field-host").first).to_contain_text("node")


def test_a_token_for_a_team(operator: Operator) -> None:
    operator.go_to("Access tokens")
    operator.click(operator.page.get_by_role("link", name="Add access token"))
    operator.page.get_by_label("Name").fill("translators")
    operator.page.get_by_label("Id prefix").fill("translate-")
    operator.press("Issue the token")
    expect(operator.page.locator("#secret-text")).to_be_visible()


def test_revoke_a_leaked_token_and_see_what_it_registered(
    operator: Operator, registry: SeededRegistry
) -> None:
    token, text = access.issue(name="leaked token", actor=f"{STAFF}admin")
    thief = {"agent_id": "by-the-thief", "host": "h", "port": 1, "ttl_seconds": 3600}
    headers = {"Authorization": f"Bearer {text}"}
    plain_http.post(f"{registry.url}/agents/register", json=thief, headers=headers)
    operator.search("leaked token")
    operator.follow_found("leaked token")
    operator.follow("Revoke and quarantine its agents…")
    operator.sees("by-the-thief")
    operator.press("Revoke and quarantine")
    operator.sees("revoked")
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert AgentRecord.objects.get(pk="by-the-thief").state == "quarantined"


def test_export_agents_for_a_report(operator: Operator) -> None:
    operator.go_to("Agents")
    operator.click(operator.page.locator("summary", has_text="Share"))
    with operator.page.expect_download() as download:
        operator.follow("CSV")
    assert download.value.suggested_filename.endswith(".csv")
    assert "weather-1" in download.value.path().read_text()


def test_be_told_when_something_important_dies(operator: Operator) -> None:
    operator.go_to("Notifications")
    operator.click(operator.page.get_by_role("link", name="Add notification channel"))
    operator.page.get_by_label("Name").fill("on call")
    operator.choose("Kind", "webhook")
    operator.page.get_by_label("URL").fill("https://hooks.example/on-call")
    operator.page.get_by_label("Only of agents that match").fill("tag=pci")
    operator.press("Save")
    operator.sees("it is not shown again")
    rule = Rule.objects.get(name="on call")
    assert (rule.events, rule.filter) == (["expired"], "tag=pci")


def test_does_an_agent_restart_more_than_last_week(operator: Operator) -> None:
    leases.register(agent_id="restless", host="h", port=1)
    for days in (9, 6, 5, 4):
        AgentEvent.objects.create(
            agent_id="restless",
            kind=AgentEvent.Kind.RE_REGISTERED,
            actor="agent",
            at=timezone.now() - timedelta(days=days),
        )
    operator.search("restless")
    operator.follow_found("restless")
    operator.sees("Registered 4 times in the last 7 days, 1 time in the 7 days before.")


def test_create_an_agent(operator: Operator) -> None:
    operator.follow("Create an agent")
    operator.page.get_by_label("name").first.fill("greeter")
    operator.press("Create the agent")
    operator.sees("greeter")
