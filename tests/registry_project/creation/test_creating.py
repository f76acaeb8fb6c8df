"""The pages that make an agent in the admin."""

import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from agents import leases
from agents.models import AccessToken, AgentEvent
from agents.tokens import access as access_tokens
from agents.tokens.enrollment import Enrolment, IdHeldByAnother
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

URL = "/admin/create-agent/"
PREVIEW = f"{URL}preview/"
WEATHER = f"{URL}weather/"
FORM = {"name": "weather", "registry": "on", "slim": "on", "a2a_0_3": "on", "package_tests": "on"}
CREATE = FORM | {"do": "create"}
LogIn = Callable[..., Client]


@pytest.fixture(autouse=True)
def token_mode(settings: Any) -> None:
    settings.REGISTRY_AUTH = "token"
    settings.REGISTRY_URL = "https://registry.example"


@pytest.fixture
def log_in(client: Client) -> LogIn:
    """Log in a member of staff with exactly these permissions."""

    def log_in(*permissions: str) -> Client:
        user = User.objects.create_user("grace", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client.force_login(user)
        return client

    return log_in


def state(client: Client) -> str:
    """Return the word that the page of the new agent shows."""
    return str(client.get(f"{WEATHER}now/").context["progress"].word)


class TestForm:
    def test_it_begins_with_the_files_of_an_agent_that_has_only_a_name(
        self, admin_client: Client
    ) -> None:
        answer = admin_client.get(URL)

        assert "name: my-agent" in answer.text
        assert 'value="build/Dockerfile"' in answer.text
        assert not answer.context["has_problems"]

    def test_without_javascript_buttons_show_files_and_add_and_remove_items(
        self, admin_client: Client
    ) -> None:
        dockerfile = admin_client.post(URL, FORM | {"show": "build/Dockerfile"})
        assert "EXPOSE 8000" in dockerfile.context["text"]
        # The next press of any other button keeps it.
        still = admin_client.post(URL, FORM | {"shown": "build/Dockerfile", "do": "update"})
        assert still.context["shown"] == "build/Dockerfile"
        assert admin_client.post(URL, FORM | {"show": "/etc/passwd"}).context["shown"] == (
            "agent.yaml"
        )

        added = admin_client.post(URL, FORM | {"add": "inputs"}).text
        assert 'name="inputs[0].name"' in added
        entered = FORM | {"inputs[0].name": "a", "inputs[1].name": "b", "remove": "inputs[0]"}
        left = admin_client.post(URL, entered).text
        assert 'name="inputs[1].name" value="b"' in left
        assert 'name="inputs[0].name"' not in left

    def test_wrong_values_are_reported_at_their_field_and_make_nothing(
        self, admin_client: Client
    ) -> None:
        answer = admin_client.post(URL, CREATE | {"port": "80", "issue_token": "on"})

        assert answer.status_code == 200
        assert "it must be 1024 to 65535" in answer.text
        assert "Correct what is marked first." in answer.text
        assert not AccessToken.objects.exists()

    def test_what_is_entered_is_escaped(self, admin_client: Client) -> None:
        entered = CREATE | {"name": "<script>alert(1)</script>", "description": "</textarea><b>"}

        text = admin_client.post(URL, entered).text

        assert "<script>alert" not in text
        assert "</textarea><b>" not in text


class TestPreview:
    def test_it_has_the_files_of_what_is_entered(self, admin_client: Client) -> None:
        entered = FORM | {"tags": "eu\nbeta", "shown": "build/agent.json"}
        answer = admin_client.post(PREVIEW, entered).json()

        assert answer["problems"] == {}
        assert "&quot;beta&quot;" in answer["files"]

    def test_it_has_messages_by_field(self, admin_client: Client) -> None:
        entered = FORM | {"name": "W", "inputs[5].name": "city"}
        answer = admin_client.post(PREVIEW, entered).json()

        assert set(answer["problems"]) == {"name", "inputs[5].type"}
        assert answer["files"] is None

    def test_it_changes_nothing(self, admin_client: Client) -> None:
        admin_client.post(PREVIEW, FORM | {"do": "create", "issue_token": "on"})

        assert not AccessToken.objects.exists()
        assert admin_client.get(PREVIEW).status_code == 405


class TestCreated:
    def test_the_zip_has_the_files_that_were_shown(self, admin_client: Client) -> None:
        admin_client.post(URL, CREATE | {"tags": "eu"})

        answer = admin_client.get(f"{WEATHER}zip/")

        assert answer["Content-Disposition"] == 'attachment; filename="weather.zip"'
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert b'tags: ["eu"]' in archive.read("weather/agent.yaml")
            assert b"https://registry.example" in archive.read("weather/build/agent.json")
        assert admin_client.get(f"{WEATHER}zip/").content == answer.content

    def test_its_token_is_for_its_id_and_shown_once(self, admin_client: Client) -> None:
        shown = admin_client.post(URL, CREATE | {"issue_token": "on"}, follow=True)

        assert shown.redirect_chain == [(WEATHER, 302)]
        access = access_tokens.authenticate(shown.context["token"])
        assert (access.agent_prefix, access.max_agents) == ("weather", 1)
        assert (access.may_register, access.may_read, access.may_operate) == (True, False, False)
        token = AccessToken.objects.get()
        assert (token.name, token.created_by) == ("agent weather", "admin:admin")
        assert token.expires_at == token.created_at + timedelta(days=90)
        assert "no-store" in shown["Cache-Control"]
        again = admin_client.get(WEATHER)
        assert again.context["token"] is None
        assert shown.context["token"] not in again.text
        with zipfile.ZipFile(io.BytesIO(admin_client.get(f"{WEATHER}zip/").content)) as archive:
            for name in archive.namelist():
                assert shown.context["token"].encode() not in archive.read(name)

    @pytest.mark.parametrize("change", [{}, {"registry": "", "issue_token": "on"}])
    def test_without_need_no_token_is_issued(
        self, admin_client: Client, change: dict[str, str]
    ) -> None:
        admin_client.post(URL, CREATE | change)

        assert not AccessToken.objects.exists()

    def test_an_agent_of_another_or_no_registry_is_not_waited_for(
        self, admin_client: Client
    ) -> None:
        elsewhere = CREATE | {"registry.url": "https://other.example"}
        text = admin_client.post(URL, elsewhere, follow=True).text
        assert "<strong>https://other.example</strong>, not this one" in text
        text = admin_client.post(URL, CREATE | {"registry": ""}, follow=True).text
        assert "It joins no registry" in text
        assert 'id="progress"' not in text

    def test_a_page_of_an_agent_that_was_not_made_here_only_waits(
        self, admin_client: Client
    ) -> None:
        answer = admin_client.get(WEATHER)

        assert "The files of an agent are kept" in answer.text
        assert answer.context["progress"].word == "waiting"
        assert admin_client.get(f"{WEATHER}zip/").status_code == 404


class TestWaiting:
    def test_it_turns_green_when_the_agent_has_registered(self, admin_client: Client) -> None:
        admin_client.post(URL, CREATE)
        assert state(admin_client) == "waiting"

        leases.register(agent_id="weather", host="h", port=1)

        assert state(admin_client) == "alive"
        assert "level-ok" in admin_client.get(f"{WEATHER}now/").text
        AgentEvent.objects.all().delete()
        leases.deregister(agent_id="weather")
        assert state(admin_client) == "waiting"

    def test_an_agent_that_had_the_id_before_is_not_taken_for_the_new_one(
        self, admin_client: Client
    ) -> None:
        leases.register(agent_id="weather", host="h", port=1)
        admin_client.post(URL, CREATE)

        answer = admin_client.get(f"{WEATHER}now/")
        assert (answer.context["progress"].word, "is alive" in answer.text) == ("waiting", True)
        leases.register(agent_id="weather", host="h", port=2)
        assert state(admin_client) == "alive"

    def test_it_says_that_the_registration_was_refused(self, admin_client: Client) -> None:
        admin_client.post(URL, CREATE)
        AgentFactory.create(agent_id="weather", enrolled_by="another", generation=0)
        with pytest.raises(IdHeldByAnother):
            leases.register(
                agent_id="weather",
                host="h",
                port=1,
                enrolment=Enrolment("token:x", "x", takes_over=False),
            )

        assert state(admin_client) == "refused"

    def test_it_says_that_the_agent_has_expired(self, admin_client: Client) -> None:
        admin_client.post(URL, CREATE)
        AgentFactory.create(agent_id="weather", expired=True)

        assert state(admin_client) == "expired"

    def test_an_unchanged_state_costs_no_body(self, admin_client: Client) -> None:
        etag = admin_client.get(f"{WEATHER}now/")["ETag"]

        again = admin_client.get(f"{WEATHER}now/", headers={"If-None-Match": etag})
        assert again.status_code == 304


class TestPermissions:
    @pytest.mark.parametrize("path", ["", "weather/", "weather/zip/", "weather/now/"])
    def test_viewers_make_no_agents(self, log_in: LogIn, path: str) -> None:
        assert log_in("view_agentrecord").get(f"{URL}{path}").status_code == 403

    def test_nobody_comes_without_a_login(self, client: Client) -> None:
        assert client.get(URL).status_code == 302
        assert "Dockerfile" not in client.post(PREVIEW, FORM).text
        assert "Dockerfile" not in client.post(URL, CREATE).text

    def test_operators_make_agents_but_no_tokens(self, log_in: LogIn) -> None:
        client = log_in("view_agentrecord", "change_agentrecord")
        assert "ask an administrator" in client.get(URL).text

        done = client.post(URL, CREATE | {"issue_token": "on"}, follow=True)

        assert done.status_code == 200
        assert not AccessToken.objects.exists()

    @pytest.mark.parametrize(
        ("permission", "is_shown"), [("change_agentrecord", True), ("view_agentevent", False)]
    )
    def test_buttons_lead_to_the_form(
        self, log_in: LogIn, permission: str, *, is_shown: bool
    ) -> None:
        client = log_in("view_agentrecord", permission)

        for page in ("/admin/", "/admin/agents/agentrecord/"):
            assert (f'href="{URL}"' in client.get(page).text) is is_shown
