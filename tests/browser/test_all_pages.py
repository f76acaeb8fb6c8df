"""Every page: no violation of WCAG 2.2 AA, nothing wrong on the console, no failed request.

The pages are whatever a browser is shown at a named URL, so a new one is checked by itself.
"""

from collections.abc import Iterator
from typing import Literal

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from playwright.sync_api import Page, Request

from agents import leases
from agents.models import Channel, Delivery, Mute
from tests import plain_http
from tests.agents.notifications.setup import make_channel, make_rule
from tests.browser.accessibility import violations
from tests.browser.conftest import HEIGHT, NARROW, WIDE, OpenPage
from tests.browser.problems import Problems
from tests.browser.seeded_registry import SeededRegistry

pytestmark = pytest.mark.integration

GONE = "gone-from-all-pages"
EXAMPLES = {
    "agent_id": "crawler-3",
    "app_label": "agents",
    "content_type_id": "1",
    "object_id": "1",
    "pk": "1",
    "count": "1",
}
UNKNOWN = "00000000-0000-0000-0000-000000000000"
# As browsers send it, but without waiting for events.
ACCEPT = "text/html,*/*;q=0.1"
PARTS = ("admin:agents_", "admin:auth_", "admin:axes_", "")
MISSING = "/admin/nowhere/"
LOOKS: list[tuple[int, Literal["light", "dark"]]] = [
    (WIDE, "light"),
    (WIDE, "dark"),
    (NARROW, "dark"),
    (NARROW, "light"),
]
MORE = [
    f"/admin/agents/agentrecord/{GONE}/change/",
    "/admin/agents/agentevent/?q=crawler",
    MISSING,
]


@pytest.fixture
def examples(registry: SeededRegistry) -> None:
    """At least one object of each model."""
    if Channel.objects.filter(name="all pages").exists():
        return
    leases.register(agent_id=GONE, host="h", port=1)
    leases.deregister(agent_id=GONE)
    now = timezone.now()
    channel = make_channel("all pages")
    make_rule("expired", channel=channel)
    Delivery.objects.create(
        channel=channel, agent_id=GONE, type="agent.expired", body="{}", created_at=now
    )
    Mute.objects.create(agent_id=GONE, problem="expired", until=now, muted_at=now, muted_by="grace")
    attempt = {"username": "mallory", "ip_address": "192.0.2.1", "path_info": "/admin/login/"}
    AccessAttempt.objects.create(failures_since_start=1, **attempt)
    AccessFailureLog.objects.create(**attempt)
    AccessLog.objects.create(**attempt)


def names(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, list[str]]]:
    """Yield the names of all URLs, with the names of what is in them."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from names(pattern, inner)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield f"{namespace}{pattern.name}", list(pattern.pattern.regex.groupindex)


def path_of(name: str, arguments: list[str]) -> str:
    examples = dict(EXAMPLES)
    for model in admin.site._registry:
        options = model._meta
        if name.startswith(f"admin:{options.app_label}_{options.model_name}_"):
            key = str(model._default_manager.latest("pk").pk)
            examples["object_id"] = key
            examples |= {"pk": key, "id": key} if key.isdecimal() else {}
    return reverse(
        name, kwargs={argument: examples.get(argument, UNKNOWN) for argument in arguments}
    )


def is_page(registry: SeededRegistry, path: str) -> bool:
    cookies = {"sessionid": registry.sessions["Superuser"]}
    with (
        plain_http.client(registry.url, cookies=cookies) as client,
        client.stream("GET", path, headers={"Accept": ACCEPT}) as answer,
    ):
        assert answer.status_code < 500, path
        is_html = answer.headers.get("Content-Type", "").startswith("text/html")
        return answer.status_code == 200 and is_html and "<html" in answer.read().decode()


def faults(page: Page, path: str) -> list[str]:
    """Look at a page wide and narrow, light and dark."""
    found: list[str] = []
    for looks, (width, colours) in enumerate(LOOKS):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.emulate_media(color_scheme=colours)
        if not looks:
            page.goto(path)
        found += [f"{width} wide, {colours}: {fault}" for fault in violations(page)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"wider than {width}")
    return [f"{path}: {fault}" for fault in found]


@pytest.mark.usefixtures("examples")
@pytest.mark.parametrize("part", PARTS)
def test_a_page_has_no_fault(
    registry: SeededRegistry, open_page: OpenPage, problems: Problems, part: str
) -> None:
    problems.allow(f"404 GET .*{MISSING}")
    of_part = [
        path_of(name, arguments)
        for name, arguments in names(get_resolver())
        if next(one for one in PARTS if name.startswith(one)) == part
    ]
    pages = [path for path in of_part if is_page(registry, path)] + ([] if part else MORE)
    page = open_page("/admin/login/", role="Superuser")
    found = [fault for path in pages for fault in faults(page, path)]
    assert not found, "\n".join(found)
    assert len(pages) >= 5


@pytest.mark.parametrize("path", ["/admin/", "/admin/agents/agentrecord/"])
def test_a_first_visit_is_light_and_a_second_loads_the_page_alone(
    open_page: OpenPage, path: str
) -> None:
    page = open_page("about:blank")
    finished: list[Request] = []
    page.on("requestfinished", lambda request: finished.append(request))  # noqa: PLW0108 - Playwright marks it

    def weight() -> int:
        finished.clear()
        page.goto(path)
        # Of those from the browser's cache, sizes are negative.
        return sum(max(one.sizes()["responseBodySize"], 0) for one in finished)

    first, second = weight(), weight()

    assert 20_000 < first < 150_000
    assert second < first / 2
