from typing import Any

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, Group, Permission, User

from registry_project.security.permissions import roles

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor() -> User:
    """An operator and viewer who may see users too."""
    user = User.objects.create_user("auditor", is_staff=True)
    user.groups.set(Group.objects.filter(name__in=["Operator", "Viewer"]))
    user.user_permissions.add(Permission.objects.get(codename="view_user"))
    return User.objects.get(pk=user.pk)


def test_one_query_finds_what_django_finds_by_three(
    auditor: User, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        assert auditor.has_perm("auth.view_user")
        assert auditor.has_perm("agents.change_agentrecord")
        assert not auditor.has_perm("auth.change_user")
        assert auditor.has_module_perms("agents")
        assert not auditor.has_module_perms("axes")
        assert roles(auditor) == ["Operator", "Viewer"]

    expected = ModelBackend().get_all_permissions(User.objects.get(pk=auditor.pk))
    assert auditor.get_all_permissions() == expected


def test_a_permission_that_was_taken_away_is_gone_with_the_next_request(auditor: User) -> None:
    assert auditor.has_perm("agents.change_agentrecord")

    auditor.groups.remove(Group.objects.get(name="Operator"))

    later = User.objects.get(pk=auditor.pk)
    assert not later.has_perm("agents.change_agentrecord")
    assert roles(later) == ["Viewer"]


def test_inactive_users_may_nothing(auditor: User) -> None:
    auditor.is_active = False

    assert auditor.get_all_permissions() == set()


def test_superusers_may_everything(admin_user: User) -> None:
    assert admin_user.has_perm("auth.delete_user")
    assert "auth.delete_user" in admin_user.get_all_permissions()
    assert roles(admin_user) == ["Superuser"]


def test_who_is_not_logged_in_has_no_roles() -> None:
    assert roles(AnonymousUser()) == []
    assert AnonymousUser().get_all_permissions() == set()
