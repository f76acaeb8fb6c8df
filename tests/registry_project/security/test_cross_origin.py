"""Websites that may call the API from their visitors' browsers (CORS_ALLOWED_ORIGINS)."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from tests.factories import AgentFactory

DASHBOARD = "https://dashboard.example"
PAGES = ["/", "/admin/", "/admin/login/", "/admin/agents/agentrecord/", "/docs", "/docs/"]


@pytest.fixture
def allowed(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [DASHBOARD, "http://localhost:5173"]


def preflight(client: Client, path: str, origin: str = DASHBOARD, method: str = "GET") -> Any:
    headers = {"Origin": origin, "Access-Control-Request-Method": method}
    return client.options(path, headers=headers)


def cross_origin_headers(answer: Any) -> dict[str, str]:
    return {
        name.lower(): value
        for name, value in answer.headers.items()
        if name.lower().startswith("access-control-")
    }


def listed(header: str) -> set[str]:
    return {name.strip().lower() for name in header.split(",")}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/agents", "/health", "/nowhere", "/schema"])
def test_without_the_setting_no_response_depends_on_the_origin(client: Client, path: str) -> None:
    answer = client.get(path, headers={"Origin": DASHBOARD})

    assert cross_origin_headers(answer) == {}
    assert "origin" not in listed(answer.headers.get("Vary", ""))
    assert cross_origin_headers(preflight(client, path)) == {}


@pytest.mark.django_db
@pytest.mark.usefixtures("allowed")
class TestAllowed:
    @pytest.mark.parametrize("origin", [DASHBOARD, "http://localhost:5173"])
    def test_an_allowed_origin_may_read_the_answer(self, client: Client, origin: str) -> None:
        AgentFactory.create(agent_id="a")

        answer = client.get("/agents", headers={"Origin": origin})

        assert [agent["agent_id"] for agent in answer.json()] == ["a"]
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        exposed = listed(answer.headers["Access-Control-Expose-Headers"])
        assert {"etag", "link", "retry-after", "www-authenticate"} <= exposed

    @pytest.mark.parametrize(
        "origin",
        [
            "https://elsewhere.example",
            "http://dashboard.example",
            f"{DASHBOARD}:8443",
            "https://x.dashboard.example",
            "https://dashboard.example.evil",
            "null",
            "https://[",
        ],
    )
    def test_any_other_origin_gets_no_cross_origin_headers(
        self, client: Client, origin: str
    ) -> None:
        answer = client.get("/agents", headers={"Origin": origin})

        assert cross_origin_headers(answer) == {}
        assert cross_origin_headers(preflight(client, "/agents", origin)) == {}

    @pytest.mark.parametrize("headers", [{}, {"Origin": "https://elsewhere.example"}])
    def test_responses_vary_by_origin(self, client: Client, headers: dict[str, str]) -> None:
        assert "origin" in listed(client.get("/agents", headers=headers).headers["Vary"])

    def test_every_path_of_the_api_allows_the_origin(self, client: Client) -> None:
        paths = client.get("/schema", headers={"Accept": "application/json"}).json()["paths"]
        assert {"/agents", "/health"} <= set(paths)

        for path in paths:
            answer = preflight(client, path.replace("{agent_id}", "a"))
            assert answer.headers["Access-Control-Allow-Origin"] == DASHBOARD, path

    @pytest.mark.parametrize("path", PAGES)
    def test_no_page_allows_the_origin(self, client: Client, path: str) -> None:
        client.force_login(User.objects.create_superuser("grace"))

        answer = client.get(path, headers={"Origin": DASHBOARD})

        assert cross_origin_headers(answer) == {}
        assert cross_origin_headers(preflight(client, path)) == {}

    def test_credentials_are_never_allowed(self, client: Client, settings: Settings) -> None:
        settings.REGISTRY_AUTH = "token"
        client.force_login(User.objects.create_superuser("grace"))

        headers = cross_origin_headers(client.get("/agents", headers={"Origin": DASHBOARD}))

        assert "access-control-allow-origin" in headers
        assert "access-control-allow-credentials" not in headers
        assert "access-control-allow-credentials" not in preflight(client, "/agents").headers
        assert settings.SESSION_COOKIE_SAMESITE == "Lax"


@pytest.mark.django_db
@pytest.mark.usefixtures("allowed")
class TestPreflight:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/agents"),
            ("POST", "/agents/register"),
            ("POST", "/agents/a/heartbeat"),
            ("POST", "/agents/heartbeat"),
            ("DELETE", "/agents/a"),
        ],
    )
    def test_it_allows_the_methods_and_headers_of_the_api_without_a_token(
        self, client: Client, settings: Settings, method: str, path: str
    ) -> None:
        settings.REGISTRY_AUTH = "token"

        answer = preflight(client, path, method=method)

        assert answer.status_code == 200
        assert method.lower() in listed(answer.headers["Access-Control-Allow-Methods"])
        assert listed(answer.headers["Access-Control-Allow-Headers"]) >= {
            "authorization",
            "content-type",
            "lease-token",
            "if-none-match",
            "if-match",
        }

    def test_it_is_not_rate_limited(self, client: Client, settings: Settings) -> None:
        settings.RATE_READ_PER_ADDRESS = "1/hour"

        assert {preflight(client, "/agents").status_code for _ in range(5)} == {200}
        assert client.get("/agents").status_code == 200


@pytest.mark.django_db
@pytest.mark.usefixtures("allowed")
class TestErrors:
    """Without these headers a browser hides the error from the page."""

    def readable(self, answer: Any, status: int) -> Any:
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == DASHBOARD
        problem = answer.json()
        assert problem["status"] == status
        return problem

    @pytest.mark.parametrize(
        ("path", "status"),
        [("/agents?limit=x", 422), ("/agents/nobody", 404), ("/nowhere", 404)],
    )
    def test_an_error_in_the_path_or_query_is_readable(
        self, client: Client, path: str, status: int
    ) -> None:
        self.readable(client.get(path, headers={"Origin": DASHBOARD}), status)

    def test_the_error_for_a_missing_token_is_readable(
        self, client: Client, settings: Settings
    ) -> None:
        settings.REGISTRY_AUTH = "token"

        self.readable(client.get("/agents", headers={"Origin": DASHBOARD}), 401)

    @pytest.mark.parametrize(
        ("body", "status"), [("{", 400), ("{}", 422), (f'"{"x" * 65_536}"', 413)]
    )
    def test_the_error_for_an_invalid_body_is_readable(
        self, client: Client, body: str, status: int
    ) -> None:
        answer = client.post(
            "/agents/register", body, "application/json", headers={"Origin": DASHBOARD}
        )

        self.readable(answer, status)

    def test_the_error_for_an_exceeded_rate_is_readable(
        self, client: Client, settings: Settings
    ) -> None:
        settings.RATE_READ_PER_ADDRESS = "1/hour"
        client.get("/agents")

        answer = client.get("/agents", headers={"Origin": DASHBOARD})

        self.readable(answer, 429)
        assert answer.headers["Retry-After"]

    def test_the_error_for_an_unknown_host_is_readable(
        self, client: Client, settings: Settings
    ) -> None:
        settings.ALLOWED_HOSTS = ["registry.example"]

        self.readable(client.get("/agents", headers={"Origin": DASHBOARD}), 400)


@pytest.mark.usefixtures("allowed", "database_away")
class TestWithoutTheDatabase:
    def test_a_preflight_is_answered(self, client: Client) -> None:
        assert preflight(client, "/agents").headers["Access-Control-Allow-Origin"] == DASHBOARD

    @pytest.mark.parametrize("path", ["/agents", "/health", "/health/ready"])
    def test_the_error_is_readable(self, client: Client, path: str) -> None:
        answer = client.get(path, headers={"Origin": DASHBOARD})

        assert answer.status_code == 503
        assert answer.headers["Access-Control-Allow-Origin"] == DASHBOARD
