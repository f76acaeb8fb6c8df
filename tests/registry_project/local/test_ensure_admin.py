import re
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.django_db


def ensure_admin(**options: str) -> str:
    output = StringIO()
    call_command("ensure_admin", stdout=output, **options)
    return output.getvalue()


def printed(name: str, output: str) -> str:
    match = re.search(rf"\| +{name} +(\S+) +\|", output)
    assert match is not None
    return match[1]


def test_the_printed_password_logs_a_superuser_in() -> None:
    output = ensure_admin()

    user = authenticate(username="admin", password=printed("password", output))
    assert isinstance(user, User)
    assert user.is_superuser
    assert user.is_staff


def test_the_frame_has_straight_edges() -> None:
    lines = ensure_admin().splitlines()

    assert len({len(line) for line in lines}) == 1


def test_the_name_can_be_chosen() -> None:
    assert printed("name", ensure_admin(username="ada")) == "ada"
    assert User.objects.get().username == "ada"


def test_a_second_run_changes_and_prints_nothing() -> None:
    ensure_admin()
    password = User.objects.get().password

    assert ensure_admin() == ""
    assert User.objects.get().password == password


def test_no_admin_is_created_if_there_is_any_superuser() -> None:
    User.objects.create_superuser("grace", password="correct horse")

    assert ensure_admin() == ""
    assert User.objects.count() == 1


def test_an_inactive_superuser_does_not_count() -> None:
    User.objects.create_superuser("grace", password="correct horse", is_active=False)

    assert "password" in ensure_admin()


def test_an_existing_user_of_that_name_is_not_promoted() -> None:
    User.objects.create_user("admin", password="correct horse")

    with pytest.raises(CommandError, match="--username"):
        ensure_admin()

    assert not User.objects.get().is_superuser
