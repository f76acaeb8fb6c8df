"""Passwords of the admin cannot be guessed by trying."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from agents import rate_limits

pytestmark = pytest.mark.django_db

LOGIN = "/admin/login/"
PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def grace(settings: Settings) -> Iterator[User]:
    settings.AXES_FAILURE_LIMIT = 3
    settings.RATE_STORE_URL = "memory://"
    rate_limits._counter.cache_clear()
    yield User.objects.create_superuser("grace", password=PASSWORD)
    rate_limits._counter.cache_clear()


def log_in(client: Client, password: str, username: str = "grace", **more: Any) -> HttpResponse:
    answer = client.post(LOGIN, {"username": username, "password": password}, **more)
    assert isinstance(answer, HttpResponse)
    return answer


def fail(client: Client, times: int, username: str = "grace", **more: Any) -> list[int]:
    return [log_in(client, "wrong", username, **more).status_code for _ in range(times)]


def test_the_right_password_logs_in(client: Client) -> None:
    assert log_in(client, PASSWORD).status_code == 302
    assert client.get("/admin/").status_code == 200


def test_after_a_few_wrong_passwords_even_the_right_one_is_refused(client: Client) -> None:
    assert fail(client, 3) == [200, 200, 429]

    answer = log_in(client, PASSWORD)
    assert answer.status_code == 429
    assert "Sign-in is locked" in answer.content.decode()
    assert "Agent registry" in answer.content.decode()
    assert client.get("/admin/").status_code == 302


def test_a_lock_affects_neither_other_users_nor_other_addresses(client: Client) -> None:
    User.objects.create_superuser("ada", password=PASSWORD)
    fail(client, 3)

    assert log_in(client, PASSWORD, "ada").status_code == 302
    assert log_in(Client(), PASSWORD, REMOTE_ADDR="10.0.0.8").status_code == 302


def test_the_locked_address_is_the_one_in_front_of_trusted_proxies(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    guesser = Client(headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.5"})
    fail(guesser, 3)

    assert AccessAttempt.objects.get().ip_address == "203.0.113.5"
    other_forgery = Client(headers={"X-Forwarded-For": "7.7.7.7, 203.0.113.5"})
    assert log_in(other_forgery, PASSWORD).status_code == 429
    assert log_in(Client(), PASSWORD).status_code == 302


def test_a_lock_ends_even_if_attempts_continue(client: Client, settings: Settings) -> None:
    fail(client, 5)
    old = timezone.now() - settings.AXES_COOLOFF_TIME - timedelta(seconds=1)
    AccessAttempt.objects.update(attempt_time=old)

    assert log_in(client, PASSWORD).status_code == 302


def test_a_successful_login_resets_the_failures(client: Client) -> None:
    for _ in range(3):
        fail(client, 2)
        assert log_in(client, PASSWORD).status_code == 302


def test_a_command_unlocks_a_user(client: Client) -> None:
    fail(client, 3)
    call_command("axes_reset_username", "grace", verbosity=0)

    assert log_in(client, PASSWORD).status_code == 302


def test_the_admin_unlocks_a_user(client: Client, admin_client: Client) -> None:
    fail(client, 3)
    chosen = {"action": "delete_selected", "_selected_action": AccessAttempt.objects.get().pk}
    admin_client.post("/admin/axes/accessattempt/", chosen | {"post": "yes"})

    assert log_in(client, PASSWORD).status_code == 302


def test_unknown_users_are_locked_in_the_same_way(client: Client) -> None:
    assert fail(client, 3, "nobody") == fail(client, 3)
    known, unknown = log_in(client, PASSWORD), log_in(client, PASSWORD, "nobody")
    assert without_token(known) == without_token(unknown).replace("nobody", "grace")


def test_a_password_typed_as_the_user_name_is_not_stored(client: Client) -> None:
    fail(client, 2, PASSWORD)
    fail(client, 1)

    assert {attempt.username[:8] for attempt in AccessAttempt.objects.all()} == {
        "unknown-",
        "grace",
    }


def test_a_locked_login_says_when_to_try_again(client: Client, settings: Settings) -> None:
    settings.AXES_COOLOFF_TIME = timedelta(minutes=7)
    fail(client, 3)

    answer = log_in(client, PASSWORD)
    assert answer.headers["Retry-After"] == "420"
    assert "Try again in 7 min" in answer.content.decode()


def without_token(answer: HttpResponse) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())


def test_failures_are_limited_per_address_across_users(client: Client, settings: Settings) -> None:
    settings.RATE_WRONG_LOGINS_PER_ADDRESS = "4/hour"
    for number in range(4):
        assert fail(client, 1, f"name-{number}") == [200]

    answer = log_in(client, PASSWORD)
    assert answer.status_code == 429
    assert "Too many wrong passwords came from your address" in answer.content.decode()
    assert "axes_reset" not in answer.content.decode()
    assert 0 < int(answer.headers["Retry-After"]) <= 2 * 3600
    assert log_in(client, PASSWORD, REMOTE_ADDR="10.0.0.8").status_code == 302


def test_the_stored_session_key_does_not_open_a_session(client: Client) -> None:
    log_in(client, PASSWORD)
    key = client.cookies["sessionid"].value

    [session] = Session.objects.all()
    assert key not in session.session_key
    thief = Client()
    thief.cookies["sessionid"] = session.session_key
    assert thief.get("/admin/").status_code == 302
    client.post("/admin/logout/")
    assert not Session.objects.exists()


def test_a_session_keeps_its_key_and_data_across_requests(client: Client) -> None:
    log_in(client, PASSWORD)
    key = client.cookies["sessionid"].value
    for _ in range(2):
        session = client.session
        session["seen"] = True
        session.save()
        assert client.get("/admin/").status_code == 200

    assert client.session["seen"]
    assert client.cookies["sessionid"].value == key
    assert Session.objects.count() == 1


def test_a_login_does_not_keep_the_session_key_from_before(client: Client) -> None:
    session = client.session
    session["planted"] = True
    session.save()
    planted = client.cookies["sessionid"].value
    log_in(client, PASSWORD)

    thief = Client()
    thief.cookies["sessionid"] = planted
    assert thief.get("/admin/").status_code == 302
