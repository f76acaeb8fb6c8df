"""``make screenshots``: the main pages of the dashboard, with a made-up fleet, in docs/images.

Each in light and dark colours, 1440 and 400 pixels wide. Needs Chromium.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from tests import plain_http
from tests.browser.chromium import find_chromium
from tests.integration.registry_process import (
    MANAGE,
    PROJECT,
    RegistryProcess,
    environment_for,
    migrate,
    started_registry,
)
from tests.processes import wait_until

FOLDER = PROJECT / "docs" / "images"
PAGES = {
    "overview": "/admin/",
    "agents": "/admin/agents/agentrecord/",
    "agent": "/admin/agents/agentrecord/support-4/change/",
    "gone": "/admin/agents/agentrecord/weather-7/change/",
    "create": "/admin/create-agent/",
    "history": "/admin/agents/agentevent/",
    "tokens": "/admin/agents/accesstoken/",
}
HEIGHTS = {1440: 900, 400: 800}
COLOURS: tuple[Literal["light", "dark"], ...] = ("light", "dark")
USER, PASSWORD = "grace", "for screenshots only"


def main() -> None:
    browser = find_chromium()
    if browser is None:
        sys.exit("Chromium is not installed (Debian, Ubuntu: apt install chromium).")
    with tempfile.TemporaryDirectory(prefix="registry-screenshots-") as name:
        folder = Path(name)
        environment = environment_for(folder)
        migrate(environment)
        _create_user(environment)
        with (
            _fleet(environment),
            started_registry(folder, environment) as registry,
            sync_playwright() as playwright,
        ):
            registry.wait_until_ready()
            wait_until(lambda: _was_swept(registry), "a sweep")
            options = ["--no-sandbox"] if os.getuid() == 0 else []
            with playwright.chromium.launch(executable_path=browser, args=options) as chromium:
                for path in take_all(chromium, registry.url):
                    print(path.relative_to(PROJECT), flush=True)


def take_all(browser: Browser, url: str) -> Iterator[Path]:
    for colours in COLOURS:
        context = browser.new_context(base_url=url, color_scheme=colours, locale="en-GB")
        page = context.new_page()
        log_in(page)
        for width, height in HEIGHTS.items():
            page.set_viewport_size({"width": width, "height": height})
            for name, address in PAGES.items():
                page.goto(address)
                page.wait_for_load_state("networkidle")
                path = FOLDER / f"{name}-{colours}-{width}.png"
                page.screenshot(path=path, animations="disabled")
                yield path
        context.close()


def log_in(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill(USER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")


def _create_user(environment: Mapping[str, str]) -> None:
    subprocess.run(
        [*MANAGE, "createsuperuser", "--noinput", f"--username={USER}", "--email=g@example.com"],
        env={**environment, "DJANGO_SUPERUSER_PASSWORD": PASSWORD},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def _was_swept(registry: RegistryProcess) -> bool:
    return plain_http.get(f"{registry.url}/health/ready").json()["last_purge"] is not None


@contextmanager
def _fleet(environment: Mapping[str, str]) -> Iterator[None]:
    seeding = subprocess.Popen(
        [*MANAGE, "seed_demo", "--stay"],
        env={**environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert seeding.stdout
    try:
        seeding.stdout.readline()
        yield
    finally:
        seeding.kill()
        seeding.wait()


if __name__ == "__main__":
    main()
