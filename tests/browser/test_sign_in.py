"""Sign-in by OpenID Connect, by way of a provider's own page."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from pytest_django import DjangoDbBlocker

from tests.browser.conftest import OpenPage
from tests.browser.problems import Problems
from tests.browser.seeded_registry import SeededRegistry, seeded_registry
from tests.openid_provider import CLIENT_ID, CLIENT_SECRET, Provider, openid_provider

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with openid_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def running_registry(
    chromium: str,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: DjangoDbBlocker,
    provider: Provider,
) -> Iterator[SeededRegistry]:
    folder = tmp_path_factory.mktemp("registry")
    variables = {
        "OIDC_ISSUER": provider.url,
        "OIDC_CLIENT_ID": CLIENT_ID,
        "OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "OIDC_NAME": "Example Ltd",
        "OIDC_ROLES": "Viewer=staff,Operator=ops",
    }
    with seeded_registry(folder, django_db_blocker, **variables) as registry:
        yield registry


def test_a_person_signs_in_with_the_companys_account_and_out_of_both(
    open_page: OpenPage,
    provider: Provider,
    axe: Callable[[Page], None],
    problems: Problems,
) -> None:
    person = provider.add("grace", "ops")
    page = open_page("/admin/agents/agentevent/", role=None)
    axe(page)

    page.get_by_role("link", name="Sign in with Example Ltd").click()
    page.get_by_label("Name").fill("grace")
    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_role("heading", name="History")).to_be_visible()
    expect(page.locator(".role")).to_have_text("Operator")

    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Sign in with Example Ltd")).to_be_visible()
    assert provider.ended

    problems.allow("response: 403")
    person.claims["groups"] = []
    page.get_by_role("link", name="Sign in with Example Ltd").click()
    page.get_by_label("Name").fill("grace")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Sign-in failed")).to_be_visible()
    expect(page.get_by_text("none of your groups has a role")).to_be_visible()
    axe(page)
