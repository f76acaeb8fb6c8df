"""Errors: pages that lead on in the dashboard, Problem Details elsewhere."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import Settings

from agents.models import AgentRecord
from tests.factories import AgentFactory

AGENTS = "/admin/agents/agentrecord/"
URLS = "tests.registry_project.endpoints.failing_urls"


def text(answer: Any) -> str:
    """Return the page's own text, without the frame."""
    html = answer.content.decode()
    assert answer["Content-Type"].startswith("text/html")
    assert "agents/theme" in html
    [content] = re.findall(r'class="error-page card">(.*?)</ul>', html, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", content).split())


def links(answer: Any) -> list[str]:
    [lead] = re.findall(r'error-page card">.*?<ul>(.*?)</ul>', answer.content.decode(), re.DOTALL)
    return re.findall(r'href="([^"]*)"', lead)


@pytest.fixture
def failing(settings: Settings) -> Client:
    settings.ROOT_URLCONF = URLS
    return Client(raise_request_exception=False)


@pytest.mark.django_db
def test_a_page_that_does_not_exist_leads_to_others(admin_client: Client) -> None:
    answer = admin_client.get("/admin/agents/nowhere/<b>/")

    assert answer.status_code == 404
    assert "Nothing is at /admin/agents/nowhere/&lt;b&gt;/" in text(answer)
    assert links(answer) == ["/admin/", AGENTS, "/admin/agents/agentevent/"]


@pytest.mark.django_db
def test_without_a_permission_the_page_says_who_one_is(client: Client) -> None:
    user = User.objects.create_user("grace", is_staff=True)
    user.groups.add(Group.objects.get(name="Viewer"))
    client.force_login(user)

    answer = client.post("/admin/agents/agentrecord/purge-anyway/")

    assert answer.status_code == 403
    assert "You are signed in as grace (Viewer)." in text(answer)
    assert links(answer) == ["/admin/"]


class TestCsrf:
    @pytest.fixture
    def client(self, admin_user: User) -> Client:
        client = Client(enforce_csrf_checks=True)
        client.force_login(admin_user)
        return client

    def test_a_form_without_a_token_changes_nothing_and_leads_back(self, client: Client) -> None:
        AgentFactory.create(agent_id="a")
        posted = {"action": "drain", "_selected_action": "a", "confirmed": "yes"}

        answer = client.post(AGENTS, posted, headers={"Referer": f"http://testserver{AGENTS}?q=a"})

        assert answer.status_code == 403
        assert "The form was not accepted" in text(answer)
        assert links(answer) == [f"http://testserver{AGENTS}?q=a", "/admin/"]
        assert AgentRecord.objects.get().state == "active"

    def test_a_page_of_another_website_is_no_way_back(self, client: Client) -> None:
        answer = client.post(AGENTS, headers={"Referer": "https://evil.example/"})

        assert links(answer) == ["/admin/"]

    def test_a_proxy_that_is_not_known_is_named(self, client: Client) -> None:
        answer = client.post(AGENTS, headers={"Origin": "https://registry.example"})

        assert "CSRF_TRUSTED_ORIGINS" in text(answer)


@pytest.mark.django_db
def test_an_address_for_forms_says_so(admin_client: Client) -> None:
    answer = admin_client.get("/admin/agents/agentrecord/views/save/")

    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    assert "This address only accepts forms" in text(answer)


@pytest.mark.django_db
def test_a_suspicious_request_is_not_understood(failing: Client) -> None:
    answer = failing.get("/admin/suspicious/")

    assert answer.status_code == 400
    assert "The request cannot be understood" in text(answer)
    assert "secret" not in answer.content.decode()


@pytest.mark.django_db
class TestFaults:
    def test_a_fault_says_when_and_leads_on(self, failing: Client) -> None:
        failing.cookies["time_zone"] = "Asia/Tokyo"

        answer = failing.get("/admin/failing/?q=%3Cb%3E")

        assert answer.status_code == 500
        assert answer["Retry-After"]
        assert re.search(r"when it was: \S+ \S+ JST \(\S+ \S+ UTC\)", text(answer))
        assert links(answer) == ["/admin/failing/?q=%3Cb%3E", "/admin/"]
        assert "secret" not in answer.content.decode()

    def test_a_form_that_failed_is_not_repeated(self, failing: Client) -> None:
        answer = failing.post("/admin/failing/")

        assert "was done before you send it again" in text(answer)
        assert links(answer) == ["/admin/"]


@pytest.mark.usefixtures("database_away")
class TestDatabaseAway:
    def test_the_page_needs_no_database(self) -> None:
        client = Client(raise_request_exception=False)
        client.cookies["sessionid"] = "x" * 32

        answer = client.get(AGENTS)

        assert answer.status_code == 503
        assert "The database does not answer" in text(answer)
        assert links(answer) == [AGENTS, "/admin/"]

    def test_the_api_answers_with_problem_details(self) -> None:
        answer = Client(raise_request_exception=False).get("/agents/a")

        assert answer.status_code == 503
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "status"), [("/nowhere", 404), ("/failing/", 500), ("/suspicious/", 400)]
)
def test_elsewhere_errors_stay_problem_details(failing: Client, path: str, status: int) -> None:
    answer = failing.get(path, headers={"Accept": "text/html"})

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert "secret" not in answer.content.decode()


@pytest.mark.django_db
def test_a_fault_while_a_page_of_an_error_is_made_still_leads_on(
    failing: Client, settings: Settings
) -> None:
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [], "APP_DIRS": False}]

    answer = failing.get("/admin/failing/")

    assert answer.status_code == 500
    assert 'href="/admin/"' in answer.content.decode()
