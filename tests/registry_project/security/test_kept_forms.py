"""Forms that are sent after the session has ended are shown again, and not carried out."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from agents.models import AgentEvent, AgentRecord, Channel, Rule, SavedView
from registry_project.security.oidc import provider as provider_module
from tests.factories import AgentFactory
from tests.openid_provider import CLIENT_ID, CLIENT_SECRET, openid_provider

pytestmark = pytest.mark.django_db

AGENTS = "/admin/agents/agentrecord/"
RULE = "/admin/agents/rule/add/"
TYPED = {"name": "Nights <b>", "filter": "tag=gpu", "for_seconds": "60", "events": "expired"}
PASSWORD = "a right password"


@pytest.fixture(autouse=True)
def _grace() -> None:
    User.objects.create_superuser("grace", password=PASSWORD)


def hidden(answer: Any, name: str) -> str:
    [value] = re.findall(rf'name="{name}" value="([^"]*)"', answer.content.decode())[:1]
    return unescape(value)


def sign_in(client: Client, answer: Any, password: str = PASSWORD) -> Any:
    """Sign in on the page that a form got."""
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "Your session has ended." in html
    [action] = re.findall(r'<form action="([^"]*)" method="post" id="login-form"', html)
    entered = {"username": "grace", "password": password, "next": hidden(answer, "next")}
    return client.post(unescape(action), {**entered, "kept_form": hidden(answer, "kept_form")})


def field(answer: Any, name: str) -> str:
    [tag] = re.findall(rf'<(?:input|textarea)[^>]* name="{name}"[^>]*>', answer.content.decode())
    [value] = re.findall(r'value="([^"]*)"', tag)
    return unescape(value)


class TestForms:
    def test_what_was_typed_is_in_the_form_again_and_not_saved(self, client: Client) -> None:
        answer = sign_in(client, client.post(RULE, TYPED))

        assert answer.status_code == 200
        assert "Your session had ended, so nothing was saved." in answer.content.decode()
        assert field(answer, "name") == "Nights <b>"
        assert field(answer, "filter") == "tag=gpu"
        assert f'action="{RULE}"' in answer.content.decode()
        assert not Rule.objects.exists()

    def test_it_is_saved_by_another_click(self, client: Client) -> None:
        channel = {
            "name": "ops",
            "kind": "webhook",
            "url": "https://a.example/",
            "is_enabled": "on",
        }
        sign_in(client, client.post("/admin/agents/channel/add/", channel))
        assert not Channel.objects.exists()

        client.post("/admin/agents/channel/add/", channel)

        assert Channel.objects.get().name == "ops"

    def test_a_change_of_what_exists_is_kept_too(self, client: Client) -> None:
        user = User.objects.create_user("ada")
        path = f"/admin/auth/user/{user.pk}/change/"
        typed = {"username": "ada", "first_name": "Ada", "date_joined_0": "2026-01-01"}
        typed |= {"date_joined_1": "00:00:00"}

        answer = sign_in(client, client.post(path, typed))

        assert field(answer, "first_name") == "Ada"
        user.refresh_from_db()
        assert user.first_name == ""

    def test_after_a_wrong_password_it_is_still_there(self, client: Client) -> None:
        wrong = sign_in(client, client.post(RULE, TYPED), "a wrong password")

        assert field(sign_in(client, wrong), "filter") == "tag=gpu"

    def test_passwords_are_not_kept(self, client: Client) -> None:
        typed = {"username": "ada", "password1": "hunter2hunter2", "password2": "hunter2hunter2"}

        answer = sign_in(client, client.post("/admin/auth/user/add/", typed))

        assert field(answer, "username") == "ada"
        assert "hunter2" not in answer.content.decode()

    def test_the_sign_in_page_shows_nothing_of_it(self, client: Client) -> None:
        page = client.post(RULE, TYPED)

        assert "tag=gpu" not in page.content.decode()
        assert "no-store" in page["Cache-Control"]

    def test_somebody_without_the_permission_sees_no_form(self, client: Client) -> None:
        page = client.post(RULE, TYPED)
        User.objects.update(is_superuser=False)

        assert sign_in(client, page).status_code == 403


class TestOperations:
    def test_an_operation_waits_for_another_click(self, client: Client) -> None:
        AgentFactory.create(agent_id="a")
        posted = {"action": "drain", "_selected_action": "a", "confirmed": "yes", "reason": "disk"}

        answer = sign_in(client, client.post(f"{AGENTS}?q=a", posted))

        html = answer.content.decode()
        assert "Nothing was done." in html
        assert "<dt>Reason</dt><dd>disk</dd>" in html
        assert AgentRecord.objects.get().state == "active"
        names = ["action", "_selected_action", "confirmed", "reason"]
        again = {name: hidden(answer, name) for name in names}
        [action] = re.findall(r'<form method="post" action="([^"]*\?q=a)"', html)
        client.post(action, again)
        assert AgentRecord.objects.get().state == "draining"
        assert AgentEvent.objects.get().reason == "disk"

    def test_the_name_of_a_view_is_kept(self, client: Client) -> None:
        answer = sign_in(client, client.post(f"{AGENTS}views/save/", {"name": "GPUs", "query": ""}))

        assert "<dt>Name</dt><dd>GPUs</dd>" in answer.content.decode()
        assert not SavedView.objects.exists()


class TestNotKept:
    def test_a_forged_form_is_ignored(self, client: Client) -> None:
        entered = {"username": "grace", "password": PASSWORD, "next": "/admin/"}

        answer = client.post("/admin/login/", {**entered, "kept_form": "forged"})

        assert answer["Location"] == "/admin/"

    def test_a_form_of_another_website_is_not_kept(self) -> None:
        answer = Client(enforce_csrf_checks=True).post(RULE, TYPED)

        assert answer.status_code == 403
        assert "tag=gpu" not in answer.content.decode()

    @pytest.mark.parametrize("headers", [{"X-Requested-With": "live"}, {"Sec-Fetch-Mode": "cors"}])
    def test_scripts_are_redirected(self, client: Client, headers: dict[str, str]) -> None:
        answer = client.post(RULE, TYPED, headers=headers)

        assert answer["Location"].startswith("/admin/login/")

    def test_too_much_is_not_kept(self, client: Client) -> None:
        answer = client.post(RULE, TYPED | {"filter": "x" * 60_000})

        assert answer.status_code == 302


class TestOpenIdConnect:
    @pytest.fixture
    def _provider(self, settings: Settings) -> Iterator[None]:
        with openid_provider() as provider:
            settings.OIDC_ISSUER = provider.url
            settings.OIDC_RP_CLIENT_ID, settings.OIDC_RP_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
            settings.OIDC_ROLES = {"Operator": {"ops"}}
            settings.AUTHENTICATION_BACKENDS = [
                *settings.AUTHENTICATION_BACKENDS,
                "registry_project.security.oidc.backend.CompanyBackend",
            ]
            provider.add("ada", "ops")
            provider.signed_in = "ada"
            yield
        provider_module._kept.clear()

    @pytest.mark.usefixtures("_provider")
    def test_it_is_there_again_after_the_way_by_the_provider(self, client: Client) -> None:
        page = client.post(RULE, TYPED)
        begun = client.post("/admin/oidc/begin/", {"kept_form": hidden(page, "kept_form")})
        back = httpx.get(begun["Location"]).headers["Location"]

        answer = client.get(back.removeprefix("http://testserver"))

        assert field(answer, "filter") == "tag=gpu"
        assert not Rule.objects.exists()
        assert "kept_form" not in client.session
