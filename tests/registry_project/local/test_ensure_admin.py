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


def test_the_printed_password_opens_the_admin() -> None:
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


def test_the_second_time_nothing_is_made_and_nothing_printed() -> None:
    ensure_admin()
    password = User.objects.get().password

    assert ensure_admin() == ""
    assert User.objects.get().password == password


def test_any_superuser_will_do() -> None:
    User.objects.create_superuser("grace", password="correct horse")

    assert ensure_admin() == ""
    assert User.objects.count() == 1


def test_a_superuser_who_may_not_log_in_does_not_count() -> None:
    User.objects.create_superuser("grace", password="correct horse", is_active=False)

    assert "password" in ensure_admin()


def test_a_user_who_has_the_name_already_is_left_alone() -> None:
    User.objects.create_user("admin", password="correct horse")

    with pytest.raises(CommandError, match="--username"):
        ensure_admin()

    assert not User.objects.get().is_superuser
