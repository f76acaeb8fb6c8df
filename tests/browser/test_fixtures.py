"""The fixtures of this folder detect what they are for."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from agents import leases
from tests.browser.accessibility import violations
from tests.browser.conftest import OpenPage
from tests.browser.problems import Problems

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("role", ["Viewer", "Operator", "Admin", "Superuser"])
def test_a_person_of_each_role_is_logged_in(open_page: OpenPage, role: str) -> None:
    page = open_page("/admin/", role=role)  # type: ignore[arg-type]
    expect(page.locator(".role")).to_have_text(role)


def test_agents_of_the_test_are_in_the_registry(open_page: OpenPage) -> None:
    page = open_page("/admin/agents/agentrecord/?q=seen-")
    leases.register(agent_id="seen-in-the-browser", host="h", port=1)
    page.reload()
    expect(page.get_by_role("link", name="seen-in-the-browser", exact=True)).to_be_visible()


def test_an_error_in_a_page_is_a_problem(open_page: OpenPage, problems: Problems) -> None:
    page = open_page("/admin/")
    page.evaluate("console.error('on the console'); setTimeout(() => { throw Error('uncaught') })")
    page.evaluate("fetch('/nowhere')")
    page.evaluate("fetch('http://127.0.0.1:1/').catch(() => 0)")

    found = "\n".join(problems.unexpected)
    for part in ("on the console", "uncaught", "404 GET", "Content Security Policy"):
        assert part in found, part
    problems.allow("")
    assert problems.unexpected == []


def test_axe_finds_violations(open_page: OpenPage, axe: Callable[[Page], None]) -> None:
    page = open_page("/admin/login/", role=None)
    assert violations(page) == []
    page.evaluate("document.querySelector('label').remove()")
    with pytest.raises(AssertionError, match="label: #id_username"):
        axe(page)
