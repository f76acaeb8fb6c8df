"""Security headers, TLS, the production settings, and secrets in error reports."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as current_settings
from django.test import Client, RequestFactory
from django.views.debug import get_exception_reporter_filter
from pytest_django import Settings

PROJECT = Path(__file__).parents[3]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        "/health",
        "/health/live",
        "/agents",
        "/agents/nobody",
        "/nowhere",
        "/admin/login/",
        "/admin/nowhere",
        "/docs",
        "/schema",
        "/static/agents/admin.css",
    ],
)
def test_every_answer_has_security_headers(client: Client, path: str) -> None:
    answer = client.get(path)
    answer.close()  # static files are open files
    headers = answer.headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.django_db
def test_the_api_as_pages_has_no_weaker_policy(client: Client) -> None:
    page = client.get("/agents", headers={"Accept": "text/html"})
    assert page["Content-Type"].startswith("text/html")
    assert "unsafe" not in page["Content-Security-Policy"]


class TestOverTLS:
    @pytest.fixture(autouse=True)
    def over_tls(self, settings: Settings) -> None:
        settings.SECURE_SSL_REDIRECT = True
        settings.SECURE_HSTS_SECONDS = 31_536_000
        settings.TRUSTED_PROXIES = ["127.0.0.1"]

    def test_plain_http_is_redirected_to_https(self, client: Client) -> None:
        answer = client.get("/agents?tag=x")

        assert answer.status_code == 301
        assert answer.headers["Location"] == "https://testserver/agents?tag=x"

    @pytest.mark.django_db
    @pytest.mark.parametrize("path", ["/health/live", "/health/live/", "/health", "/metrics"])
    def test_probes_are_not_redirected(self, client: Client, settings: Settings, path: str) -> None:
        settings.ALLOWED_HOSTS = ["registry.example"]

        assert client.get(path, headers={"Host": "10.0.0.7:9000"}).status_code == 200
        assert client.get("/healthy", headers={"Host": "10.0.0.7:9000"}).status_code == 400

    def test_the_redirect_has_security_headers_too(self, client: Client) -> None:
        answer = client.get("/admin/")

        assert answer.status_code == 301
        assert "Content-Security-Policy" in answer.headers
        assert answer.headers["X-Frame-Options"] == "DENY"

    def test_the_scheme_is_taken_from_a_trusted_proxy(self, client: Client) -> None:
        answer = client.get("/admin/login/", headers={"X-Forwarded-Proto": "https"})

        assert answer.status_code == 200
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"

    def test_the_scheme_is_not_taken_from_anyone_else(self, client: Client) -> None:
        answer = client.get(
            "/admin/login/", headers={"X-Forwarded-Proto": "https"}, REMOTE_ADDR="203.0.113.9"
        )

        assert answer.status_code == 301


def production_settings() -> dict[str, str]:
    """Return the variables that docs/security.md recommends for production."""
    page = (PROJECT / "docs" / "security.md").read_text()
    [block] = re.findall(r"```sh\n# production\n(.*?)```", page, re.DOTALL)
    return dict(re.findall(r"^([A-Z_]+)=(\S+)", block, re.MULTILINE))


def check(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "REGISTRY_VAR_DIR": str(folder)} | variables
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_documented_production_settings_pass_all_checks(tmp_path: Path) -> None:
    variables = production_settings()
    assert {"HTTPS", "ALLOWED_HOSTS", "TRUSTED_PROXIES", "SECRET_KEY_FILE"} <= variables.keys()
    (tmp_path / "key").write_text("k3y-" * 20 + "abcdefgh")
    variables["SECRET_KEY_FILE"] = str(tmp_path / "key")

    done = check(tmp_path, **variables)

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"HTTPS": "false"}, "security.W008"),
        ({"ALLOWED_HOSTS": "*"}, "registry.W002"),
        ({"TRUSTED_PROXIES": "0.0.0.0/0"}, "registry.W001"),
        (
            {
                "OIDC_ISSUER": "http://sso.example",
                "OIDC_CLIENT_ID": "registry",
                "OIDC_CLIENT_SECRET": "s",
                "OIDC_ROLES": "Admin=a",
            },
            "registry.W005",
        ),
        ({"DEBUG": "true"}, "security.W018"),
    ],
)
def test_settings_unfit_for_production_cause_a_warning(
    tmp_path: Path, changes: dict[str, str], warning: str
) -> None:
    (tmp_path / "key").write_text("k3y-" * 20 + "abcdefgh")
    variables = production_settings() | {"SECRET_KEY_FILE": str(tmp_path / "key")} | changes

    done = check(tmp_path, **variables)

    assert done.returncode == 1
    assert warning in done.stderr


def test_error_reports_contain_no_secrets() -> None:
    request = RequestFactory(
        HTTP_AUTHORIZATION="Bearer s3cret",
        HTTP_LEASE_TOKEN="s3cret",
        HTTP_COOKIE="sessionid=s3cret",
    ).get("/")
    report = get_exception_reporter_filter(request)

    assert "s3cret" not in str(report.get_safe_request_meta(request))
    shown = report.get_safe_settings()
    assert current_settings.SECRET_KEY not in str(shown)
    for name in ("DATABASES", "CELERY_BROKER_URL", "RATE_STORE_URL", "SECRET_KEY"):
        assert shown[name] == report.cleansed_substitute
