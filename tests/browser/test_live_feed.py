"""Open pages follow the registry: by its stream, or by polling where that is held back."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.live import STREAM, expect_way, hide, hold_back, log_in_alone, refuse
from tests.browser.seeded_registry import LONG_TTL_SECONDS, SeededRegistry
from tests.registry_project.server.registry_web import request

pytestmark = pytest.mark.integration

LIST = "/admin/agents/agentrecord/"
ROW_HEIGHT = 40


def box(page: Page, agent_id: str) -> Any:
    return expect(page.locator(f'input.action-select[value="{agent_id}"]'))


def top_of(page: Page, agent_id: str) -> float:
    place = page.locator(f'input.action-select[value="{agent_id}"]').bounding_box()
    assert place is not None
    return place["y"]


def test_new_and_gone_agents_are_announced_and_nothing_moves(
    open_page: OpenPage, registry: SeededRegistry
) -> None:
    for number in range(40):
        registry.web.register(f"pill-{number:02}", tags=["pill"], ttl_seconds=LONG_TTL_SECONDS)
    page = open_page(f"{LIST}?tag=pill")
    expect_way(page, "stream")
    page.locator('input.action-select[value="pill-05"]').check()
    page.locator('input.action-select[value="pill-30"]').focus()
    page.wait_for_function("scrollY > 100")
    top = top_of(page, "pill-30")

    registry.web.register("pill-00a", tags=["pill"])
    registry.web.register("pill-00b", tags=["pill"])
    registry.web.register("not-of-this-list")
    assert registry.web.exchange(request("DELETE", "/agents/pill-07")).status == 200

    pill = page.get_by_role("button", name="2 new, 1 gone: show")
    expect(pill).to_be_in_viewport()
    assert abs(top_of(page, "pill-30") - top) < 1
    box(page, "pill-30").to_be_focused()
    box(page, "pill-05").to_be_checked()
    box(page, "pill-00a").to_have_count(0)

    pill.click()

    box(page, "pill-00a").to_be_focused()
    box(page, "pill-05").to_be_checked()
    box(page, "pill-07").to_have_count(0)
    expect(page.locator(".action-counter")).to_contain_text("1 of 41")
    expect(pill).to_have_count(0)
    assert abs(top_of(page, "pill-30") - top) < ROW_HEIGHT / 2


def test_the_overview_follows_until_the_logout(
    open_page: OpenPage, registry: SeededRegistry
) -> None:
    page = open_page("/admin/login/", role=None)
    session = log_in_alone(page.context, registry, "Viewer")
    page.goto("/admin/")
    expect_way(page, "stream")
    registry.web.register("seen-on-the-overview")
    expect(page.get_by_text("seen-on-the-overview").first).to_be_visible()

    session.delete()

    expect_way(page, "none")
    expect(page.get_by_text("Refreshing has stopped")).to_be_visible()


@pytest.mark.parametrize("block", [hold_back, refuse])
def test_without_a_stream_the_page_polls(
    open_page: OpenPage, registry: SeededRegistry, block: Callable[[Route], None]
) -> None:
    name = f"polled-{block.__name__}"
    page = open_page("/admin/")
    page.context.route(STREAM, block)
    page.goto(f"{LIST}?q={name}")
    expect_way(page, "polling")

    registry.web.register(name)

    expect(page.get_by_role("button", name="1 new: show")).to_be_visible()


def test_a_hidden_tab_holds_no_stream_and_catches_up(
    open_page: OpenPage, registry: SeededRegistry
) -> None:
    page = open_page(f"{LIST}?q=while-hidden")
    expect_way(page, "stream")

    hide(page, is_hidden=True)
    expect_way(page, "none")
    registry.web.register("while-hidden")
    hide(page, is_hidden=False)

    expect_way(page, "stream")
    expect(page.get_by_role("button", name="1 new: show")).to_be_visible()
