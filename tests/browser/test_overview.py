"""People see on the overview what needs attention, and mute what they know of."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from agents import leases
from tests.browser.conftest import OpenPage
from tests.browser.seeded_registry import LONG_TTL_SECONDS, SeededRegistry

Axe = Callable[[Page], None]
HISTORY = "**/admin/agents/agentevent/**"
RECORD_NOTICES = """() => {
  window.notices = [];
  window.Notification = class {
    static permission = "granted";
    constructor(title, { body }) { window.notices.push(body); }
    addEventListener() {}
  };
}"""
# On the page, in its title and in its icon.
COUNTS = r"""() => [
  document.querySelector("[data-attention]").dataset.attention,
  document.title.match(/^\((\d+)\) Overview/)?.[1],
  document.getElementById("icon").href.match(/(\d+)\.svg$/)?.[1],
].map(Number)"""


def degrade(agent_id: str, note: str = "the disk is full") -> None:
    leases.register(agent_id=agent_id, host="node-9", port=8000, ttl_seconds=LONG_TTL_SECONDS)
    leases.renew(agent_id=agent_id, status="degraded", note=note)


def row_of(page: Page, agent_id: str) -> Locator:
    listed = page.get_by_role("region", name="Needs attention").get_by_role("listitem")
    return listed.filter(has_text=agent_id)


def test_an_operator_mutes_a_problem_and_undoes_it(
    registry: SeededRegistry, open_page: OpenPage, axe: Axe
) -> None:
    degrade("noisy-1")
    page = open_page("/admin/", role="Operator")
    row = row_of(page, "noisy-1")
    expect(row).to_contain_text("The disk is full")
    expect(row).to_contain_text("Drain it until it is well.")
    expect(page).to_have_title(re.compile(r"^\(\d+\) Overview"))
    axe(page)

    row.get_by_role("link", name="Mute noisy-1").click()
    axe(page)
    page.get_by_label("For how long").select_option("8 h")
    page.get_by_label("Reason").fill("a known bug")
    page.get_by_role("button", name="Mute").click()
    expect(page.get_by_text("Muted: degraded of noisy-1.")).to_be_visible()
    expect(row).to_have_count(0)

    page.get_by_role("link", name=re.compile(r"\d+ muted")).click()
    expect(page.get_by_role("row").filter(has_text="noisy-1")).to_contain_text("a known bug")
    axe(page)
    page.get_by_role("button", name="Unmute degraded of noisy-1").click()
    expect(page.get_by_text("Unmuted: degraded of noisy-1.")).to_be_visible()
    page.goto("/admin/")
    row.get_by_role("link", name="Open noisy-1").click()
    expect(page.get_by_role("heading", name="noisy-1")).to_be_visible()


def test_title_icon_and_notices_follow_the_list_without_a_reload(
    registry: SeededRegistry, open_page: OpenPage
) -> None:
    page = open_page("/admin/", role="Viewer", permissions=["notifications"])
    count = int(page.locator("[data-attention]").get_attribute("data-attention") or 0)
    button = page.get_by_role("button", name="Notify me")
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    expect(page.get_by_role("button", name="Notifications on")).to_be_visible()
    page.evaluate(RECORD_NOTICES)

    degrade("noisy-2")

    expect(row_of(page, "noisy-2")).to_be_visible()
    # Other agents of this registry can come to need attention meanwhile.
    [shown, *others] = page.evaluate(COUNTS)
    assert shown > count
    assert others == [shown, shown]
    assert page.evaluate("notices").count("noisy-2 degraded") == 1
    expect(page.get_by_role("link", name="Mute noisy-2")).to_have_count(0)  # a viewer


def test_the_chart_of_the_living_opens_the_history_of_a_stretch(
    registry: SeededRegistry, open_page: OpenPage, axe: Axe
) -> None:
    page = open_page("/admin/", width=400, colours="dark")
    chart = page.get_by_role("region", name="Living agents")
    chart.get_by_role("link", name="7 d").click()
    expect(chart.get_by_role("heading")).to_contain_text("last 7 days")
    expect(chart.get_by_role("img", name="Living agents, last 7 days")).to_be_visible()
    chart.get_by_text("As a table").click()
    expect(chart.get_by_role("row")).to_have_count(85)
    axe(page)

    box = page.locator("[data-stretch]").bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.25, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, middle)
    page.mouse.up()
    page.wait_for_url(HISTORY)
    begin, end = re.findall(r"at__(?:gte|lt)=(\d+-\d+-\d+T\d+)", page.url)
    assert begin < end

    page.go_back()
    chart.get_by_text("As a table").click()
    chart.get_by_role("row").nth(3).get_by_role("link").click()
    page.wait_for_url(HISTORY)
    assert "at__gte" in page.url
