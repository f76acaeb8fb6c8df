"""Environment variables are read strictly, and all wrong ones are reported at once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from string import ascii_letters
from typing import Any

import pytest
from django.conf import settings

from registry_project.environment import Environment
from registry_project.settings.database import parse_database_url

FOLDER = Path(settings.BASE_DIR)


def run(folder: Path, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *command],
        cwd=FOLDER,
        env={"PATH": os.environ["PATH"], "REGISTRY_VAR_DIR": str(folder)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def check(folder: Path, **environment: str) -> list[str]:
    """Return the lines that ``manage.py check`` prints about these variables."""
    done = run(folder, "manage.py", "check", **environment)
    assert done.returncode == 1
    first, *lines = done.stderr.splitlines()
    assert first == "Environment variables with wrong values:"
    return lines


def settings_of(folder: Path, *names: str, **environment: str) -> list[Any]:
    """Evaluate `names`, expressions of settings, in a process with only these variables."""
    values = ", ".join(f"settings.{name}" for name in names)
    code = f"from registry_project import settings; print(repr([{values}]))"
    done = run(folder, "-c", code, **environment)
    assert done.returncode == 0, done.stderr
    values_found: list[Any] = eval(done.stdout)  # noqa: S307 - our own repr
    return values_found


WRONG = [
    ("OIDC_ISSUER", "sso.example", "a URL such as https://sso.example/realms/company: known"),
    ("OIDC_ROLES", "Admin", "pairs such as Viewer=registry-viewers,Admin=registry-admins: 'Admin'"),
    (
        "OIDC_ROLES",
        "Admin=",
        "pairs such as Viewer=registry-viewers,Admin=registry-admins: 'Admin='",
    ),
    ("OIDC_SCOPES", "email", 'scopes, with openid among them: "openid" is missing'),
    ("OIDC_SIGNING_ALGORITHM", "HS256", "one of: RS256, RS384"),
    ("OIDC_SESSION_MINUTES", "4", "a whole number from 5 to 10080"),
    ("LOG_LEVEL", "loud", "one of: DEBUG, INFO, WARNING, ERROR, CRITICAL"),
    ("FAST_HEARTBEATS", "flase", "true or false"),
    ("HTTPS", "2", "true or false"),
    ("SWEEP_INTERVAL_SECONDS", "0", "a whole number from 1 to 3600"),
    ("SWEEP_INTERVAL_SECONDS", "15s", "a whole number from 1 to 3600"),
    ("SWEEP_BATCH_SIZE", "100001", "a whole number from 1 to 100000"),
    ("KEEPALIVE_SECONDS", "0", "a whole number from 1 to 3600"),
    ("CONNECTIONS_PER_PROCESS", "0", "a whole number from 100 to 10000000"),
    ("EVENT_RETENTION_DAYS", "-1", "a whole number from 1 to 36500"),
    ("DATABASE_TIMEOUT_SECONDS", "nan", "a number from 1 to 3600"),
    ("WEB_CONCURRENCY", "many", "a whole number from 1 to 1000"),
    ("REGISTRY_AUTH", "none", "one of: open, token"),
    ("REGISTRY_URL", "registry:9000", "a URL such as http://registry:9000"),
    ("REGISTRY_URL", "http://", "it needs a host"),
    ("REGISTRY_URL", "http://h:9110?x=1", "takes no query"),
    ("REGISTRY_URL", "ftp://registry", "known schemes are http, https"),
    ("TRUSTED_PROXIES", "10.0.0.0/8, proxy", "networks such as 10.0.0.0/8"),
    ("NOTIFICATION_NETWORKS", "public, 10.0.0.1/8", "networks such as 10.0.0.0/8"),
    ("CHANNEL_FAILURE_HOURS", "0", "a whole number from 1 to 8760"),
    ("METRICS_TAGS", ",".join(ascii_letters[:33]), "at most 32 tags of agents"),
    ("PROBE_NETWORKS", "10.0.0.1/8", "networks such as 10.0.0.0/8"),
    ("PROBE_NETWORKS", "agents", "networks such as 10.0.0.0/8"),
    ("PROBE_INTERVAL_SECONDS", "4", "a whole number from 5 to 86400"),
    ("PROBE_TIMEOUT_SECONDS", "0", "a number from 0.1 to 60"),
    ("PROBE_FAILURES", "0", "a whole number from 1 to 100"),
    ("PROBE_SUCCESSES", "1.5", "a whole number from 1 to 100"),
    ("PROBE_BUDGET_PER_SECOND", "0", "a whole number from 1 to 10000"),
    ("RATE_READ_PER_TOKEN", "5", "a rate such as 300/second"),
    ("RATE_READ_PER_TOKEN", "0/second", "a rate such as 300/second"),
    ("RATE_READ_PER_ADDRESS", "300/second;5/minute", "a rate such as 300/second"),
    ("LOGIN_FAILURE_LIMIT", "0", "a whole number from 1 to 1000"),
    ("LOGIN_COOLOFF_MINUTES", "0", "a whole number from 1 to 10080"),
    ("RATE_STORE_URL", "redis+sentinel://host:26379", "known schemes are redis"),
    ("CELERY_BROKER_URL", "rdis://redis:6379", "known schemes are redis"),
    ("RATE_STORE_URL", "memcached://h", "known schemes are redis"),
    ("DATABASE_URL", "mysql://h/db", "known schemes are postgres, postgresql, sqlite"),
    ("DATABASE_URL", "postgres://h:5432", "the name of the database is missing"),
    ("SECRET_KEY_FILE", "/no/such/file", "cannot be read: No such file"),
    ("CORS_ALLOWED_ORIGINS", "*", "'*' is every website; name those that may"),
    ("CORS_ALLOWED_ORIGINS", "null", "'null' is every file and every sandboxed frame"),
    ("CORS_ALLOWED_ORIGINS", "dashboard.example", "origins such as https://dashboard.example"),
    ("CORS_ALLOWED_ORIGINS", "https://a.example/", "write https://a.example for"),
    ("CORS_ALLOWED_ORIGINS", "https://a.example, HTTP://B.example:80/x", "write http://b.example"),
    ("CORS_ALLOWED_ORIGINS", "https://*.a.example", "is not an origin"),
    ("CSRF_TRUSTED_ORIGINS", "registry.example", "origins such as https://registry.example"),
    ("CSRF_TRUSTED_ORIGINS", "https://registry.example/", "write https://registry.example for"),
    ("CSRF_TRUSTED_ORIGINS", "https://registry.example:443", "write https://registry.example for"),
]


def rounds() -> Iterator[dict[str, tuple[str, str]]]:
    """Spread the wrong values over few environments, with each variable once in each."""
    left = WRONG
    while left:
        now = {name: (value, takes) for name, value, takes in reversed(left)}
        yield now
        left = [row for row in left if now[row[0]][0] != row[1]]


@pytest.mark.parametrize("values", [*rounds()])
def test_every_wrong_value_is_refused_with_the_values_allowed(
    tmp_path: Path, values: dict[str, tuple[str, str]]
) -> None:
    lines = check(tmp_path, **{name: value for name, (value, _) in values.items()})

    assert len(lines) == len(values)
    for name, (value, takes) in values.items():
        [line] = [line for line in lines if line.startswith(f"  {name} is ")]
        assert repr(value) in line
        assert takes in line


def test_an_openid_provider_alone_is_refused_with_what_it_needs(tmp_path: Path) -> None:
    lines = check(tmp_path, OIDC_ISSUER="https://sso.example", OIDC_CLIENT_ID="registry")

    assert lines == [
        "  OIDC_CLIENT_SECRET is not set; OIDC_ISSUER needs it",
        "  OIDC_ROLES is not set; OIDC_ISSUER needs it",
    ]


@pytest.mark.parametrize("password", ["pa/ss", "pa?ss", "pa#ss", "12/ss", "12?ss"])
def test_an_unescaped_password_is_refused_and_not_shown(password: str) -> None:
    env = Environment({"DATABASE_URL": f"postgres://user:{password}@host:5432/db"})

    nowhere: dict[str, Any] = {}
    env.parsed("DATABASE_URL", nowhere, parse_database_url, takes="a URL")

    [problem] = env.problems
    assert "DATABASE_URL is 'postgres://***@host:5432/db'" in problem
    assert "write / as %2F" in problem
    assert "ss@" not in problem


def test_an_escaped_password_is_unescaped() -> None:
    database = parse_database_url("postgres://user:p%2Fa%3Fs%23s%40%24x@host:5432/db")

    assert database["PASSWORD"] == "p/a?s#s@$x"


@pytest.mark.parametrize(
    "command",
    [
        ["manage.py", "start_registry"],
        ["-m", "gunicorn", "--config=python:registry_project.server.configuration", "x:y"],
        ["-m", "celery", "--app=registry_project", "worker"],
        ["-m", "celery", "--app=registry_project", "beat"],
    ],
)
def test_no_program_starts_with_a_wrong_value(tmp_path: Path, command: list[str]) -> None:
    done = run(tmp_path, *command, FAST_HEARTBEATS="flase")

    assert done.returncode != 0
    assert "FAST_HEARTBEATS is 'flase'; it takes true or false" in done.stderr


RIGHT = [
    ("SECRET_KEY", "$abc", "SECRET_KEY", "$abc"),
    ("SECRET_KEY_FALLBACKS", "$a, b ,,c", "SECRET_KEY_FALLBACKS", ["$a", "b", "c"]),
    ("ALLOWED_HOSTS", "a.example, b.example", "ALLOWED_HOSTS", ["a.example", "b.example"]),
    ("LOG_LEVEL", "info", "LOGGING['root']['level']", "INFO"),
    ("FAST_HEARTBEATS", "Off", "FAST_HEARTBEATS", False),
    ("HTTPS", " yes ", "HTTPS", True),
    ("REGISTRY_AUTH", "Open", "REGISTRY_AUTH", "open"),
    ("REGISTRY_URL", "https://registry.example/", "REGISTRY_URL", "https://registry.example"),
    ("METRICS_TAGS", " gpu, eu,,gpu", "METRICS_TAGS", ["gpu", "eu"]),
    ("PROBE_NETWORKS", "10.0.0.0/8, Public", "PROBE_NETWORKS.public", True),
    ("TRUSTED_PROXIES", " 10.0.0.0/8 , unix ", "TRUSTED_PROXIES", ["10.0.0.0/8", "unix"]),
    (
        "CORS_ALLOWED_ORIGINS",
        " https://a.example , http://[::1]:5173,",
        "CORS_ALLOWED_ORIGINS",
        ["https://a.example", "http://[::1]:5173"],
    ),
    (
        "CSRF_TRUSTED_ORIGINS",
        "https://a.example:8443, https://*.b.example",
        "CSRF_TRUSTED_ORIGINS",
        ["https://a.example:8443", "https://*.b.example"],
    ),
]


def test_valid_values_are_parsed(tmp_path: Path) -> None:
    names = [setting for _, _, setting, _ in RIGHT]
    environment = {name: value for name, value, _, _ in RIGHT}

    values_found = settings_of(tmp_path, *names, **environment)

    assert values_found == [expected for _, _, _, expected in RIGHT]


def test_an_empty_variable_is_unset(tmp_path: Path) -> None:
    names = [
        "FAST_HEARTBEATS",
        "ALLOWED_HOSTS",
        "DATABASES",
        "REGISTRY_AUTH",
        "LOGGING['root']['level']",
    ]
    empty = ["FAST_HEARTBEATS", "ALLOWED_HOSTS", "DATABASE_URL", "CONN_MAX_AGE", "LOG_LEVEL"]

    values_found = settings_of(tmp_path, *names, **dict.fromkeys([*empty, "REGISTRY_AUTH"], ""))

    assert values_found == settings_of(tmp_path, *names)


def test_a_variable_can_be_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("$from a file\n")

    [key] = settings_of(tmp_path, "SECRET_KEY", SECRET_KEY_FILE=str(tmp_path / "secret"))

    assert key == "$from a file"


def test_a_variable_and_its_file_cannot_both_be_set(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a")

    [line] = check(tmp_path, SECRET_KEY="b", SECRET_KEY_FILE=str(tmp_path / "secret"))

    assert line == "  SECRET_KEY and SECRET_KEY_FILE are both set; set one of them"
