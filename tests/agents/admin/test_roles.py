from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client

from agents import leases
from agents.leases.fleet.last_count import count_for_all
from agents.models import LastCount, LastFacetCount
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


def member(client: Client, role: str) -> Client:
    user = User.objects.create_user(role.lower(), is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    ("role", "may_operate", "may_administer"),
    [("Viewer", False, False), ("Operator", True, False), ("Admin", True, True)],
)
def test_a_member_may_do_what_the_role_says(
    client: Client, role: str, may_operate: bool, may_administer: bool
) -> None:
    AgentFactory.create(agent_id="a")
    member(client, role)
    for page in ("agentrecord", "agentevent", "channel", "rule", "delivery"):
        assert client.get(f"/admin/agents/{page}/").status_code == 200, page
    agents = client.get("/admin/agents/agentrecord/").text
    for operation in ("drain", "quarantine", "resume", "extend", "purge", "deregister"):
        assert (f'name="action" value="{operation}"' in agents) is may_operate, operation
    for page in ("agents/accesstoken/add/", "agents/channel/add/", "auth/user/add/"):
        assert client.get(f"/admin/{page}").status_code == (200 if may_administer else 403), page


@pytest.mark.parametrize("role", ["Viewer", "Operator", "Admin"])
def test_the_head_of_each_page_shows_the_role(client: Client, role: str) -> None:
    page = member(client, role).get("/admin/agents/agentrecord/").text
    assert f'<span class="role">{role}</span>' in page


def test_a_superuser_is_shown_as_one(admin_client: Client) -> None:
    assert '<span class="role">Superuser</span>' in admin_client.get("/admin/").text


def test_a_migration_leaves_a_changed_group_as_it_is() -> None:
    viewer = Group.objects.get(name="Viewer")
    viewer.permissions.clear()
    Group.objects.get(name="Admin").delete()
    call_command("migrate", verbosity=0)
    assert not viewer.permissions.exists()
    assert Group.objects.get(name="Admin").permissions.filter(codename="add_accesstoken").exists()


@pytest.mark.parametrize("role", ["Viewer", "Operator", "Admin"])
@pytest.mark.parametrize("path", ["/admin/", "/admin/agents/agentrecord/"])
def test_a_page_of_a_large_fleet_takes_at_most_twelve_queries(
    client: Client,
    role: str,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    """The count of a fleet that is swept is shared by all pages."""
    monkeypatch.setattr("agents.leases.fleet.last_count.LARGE", 1)
    AgentFactory.create_batch(20)
    AgentFactory.create(agent_id="sad", status="degraded")
    leases.purge_expired()
    count_for_all()
    member(client, role).get(path)
    for counts in (LastCount.objects, LastFacetCount.objects):
        counts.update(seconds=1.0)  # so that another count is not due yet

    with django_assert_max_num_queries(12):
        assert client.get(path).status_code == 200
