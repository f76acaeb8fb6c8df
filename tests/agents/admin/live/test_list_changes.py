"""What an open list asks for: which agents it lacks, its numbers and banners."""

from collections.abc import Callable

import pytest
from django.test import Client

from agents import leases
from agents.history.feed import Cursor, newest_position
from tests.agents.admin.agent_list import AGENTS

pytestmark = pytest.mark.django_db

CHANGES, COUNTS = f"{AGENTS}changes/", f"{AGENTS}counts/"

Staff = Callable[..., Client]


def register(*ids: str, tag: str = "t") -> None:
    for agent_id in ids:
        leases.register(agent_id=agent_id, host="h", port=1, tags=[tag])


def test_a_list_says_up_to_which_change_it_is(admin_client: Client) -> None:
    register("a")

    html = admin_client.get(AGENTS).content.decode()

    assert f'data-feed-cursor="{Cursor(newest_position())}"' in html


def test_only_agents_that_the_list_has_are_returned(admin_client: Client) -> None:
    register("a", "b")
    register("c", tag="other")

    url = f"{CHANGES}?tag=t"
    found = admin_client.post(url, {"id": ["a", "c", "unknown", "a\0b"]}).json()

    assert found == {"matching": ["a"]}


@pytest.mark.parametrize("query", ["state__regex=[", "tag=a%00b", "o=x.y", "p=-1"])
def test_a_query_that_no_list_has_matches_nothing_or_is_refused(
    admin_client: Client, query: str
) -> None:
    register("a")
    admin_client.raise_request_exception = False

    for response in (
        admin_client.post(f"{CHANGES}?{query}", {"id": "a"}),
        admin_client.get(f"{COUNTS}?{query}"),
    ):
        assert response.status_code < 500


def test_more_ids_than_a_page_has_are_cut(admin_client: Client) -> None:
    register("a")

    ids = [*map(str, range(500)), "a"]

    assert admin_client.post(CHANGES, {"id": ids}).json() == {"matching": []}


def test_numbers_are_those_of_the_filtered_list(admin_client: Client) -> None:
    register("a", "b")
    register("c", tag="other")

    html = admin_client.get(f"{COUNTS}?tag=t").content.decode()

    assert '<span id="list-count">2 agents</span>' in html
    assert 'data-facet="tag"' in html


@pytest.mark.parametrize("path", [CHANGES, COUNTS])
def test_only_viewers_of_agents_may_ask(staff: Staff, client: Client, path: str) -> None:
    assert client.post(path).status_code == 302
    assert staff("view_agentevent").post(path).status_code == 403


def test_a_get_of_changes_is_refused(admin_client: Client) -> None:
    assert admin_client.get(CHANGES).status_code == 405
