"""Replacing a token by another, while both are valid."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from rest_framework.test import APIClient

from agents.models import AccessToken, AgentEvent, AgentRecord
from agents.tokens import access as access_tokens
from agents.tokens import cache as token_cache
from agents.tokens.access import InvalidToken, UnknownToken
from agents.tokens.rotation import NotReplaceable, rotate
from agents.tokens.terms import BadTerms
from tests.agents.racing import racing

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def token_mode(settings: Any) -> None:
    settings.REGISTRY_AUTH = "token"


def issue(**terms: Any) -> tuple[AccessToken, str]:
    return access_tokens.issue(**({"name": "weather", "actor": "command"} | terms))


def replace(token: AccessToken, overlap: timedelta = HOUR) -> tuple[AccessToken, str]:
    replaced = rotate(key=token.key, actor="admin:ada", overlap=overlap, lifetime=None)
    token_cache.forget()
    return replaced


def register(text: str, agent_id: str = "weather-1") -> Any:
    api = APIClient(headers={"Authorization": f"Bearer {text}"})
    return api.post("/agents/register", {"agent_id": agent_id, "host": "h", "port": 1})


def holder(agent_id: str = "weather-1") -> str:
    return AgentRecord.objects.get(pk=agent_id).enrolled_by


def test_the_new_token_has_the_rights_of_the_old_one() -> None:
    old, _ = issue(agent_prefix="weather-", max_agents=7, may_read=True, may_operate=True)

    new, text = replace(old)

    access = access_tokens.authenticate(text)
    assert (access.agent_prefix, access.max_agents) == ("weather-", 7)
    assert new.rights == ["register", "read", "operate"]
    assert (new.name, new.created_by, new.expires_at) == ("weather", "admin:ada", None)


def test_both_are_valid_until_the_overlap_ends() -> None:
    old, old_text = issue()
    new, new_text = replace(old)

    assert access_tokens.authenticate(old_text).key == old.key
    old.refresh_from_db()
    assert old.expires_at is not None
    assert abs(new.created_at + HOUR - old.expires_at) < timedelta(minutes=1)
    past = F("expires_at") - HOUR - timedelta(minutes=1)
    AccessToken.objects.filter(pk=old.pk).update(expires_at=past)
    token_cache.forget()
    with pytest.raises(InvalidToken):
        access_tokens.authenticate(old_text)
    assert access_tokens.authenticate(new_text).key == new.key


def test_an_overlap_never_lengthens_the_old_token() -> None:
    old, _ = issue(lifetime=HOUR)
    ends = old.expires_at

    replace(old, timedelta(days=7))

    old.refresh_from_db()
    assert old.expires_at == ends


def test_a_living_agent_of_the_old_token_registers_again_with_the_new_one() -> None:
    old, old_text = issue()
    lease = register(old_text).json()
    assert register(issue()[1]).status_code == 409
    new, new_text = replace(old)

    heartbeat = APIClient(headers={"Lease-Token": lease["lease_token"]})
    assert heartbeat.post("/agents/weather-1/heartbeat").status_code == 200
    assert register(new_text).status_code == 200
    assert holder() == new.key


def test_an_agent_that_was_rolled_back_to_the_old_token_keeps_its_id() -> None:
    old, old_text = issue()
    _, new_text = replace(old)
    register(new_text)

    assert register(old_text).status_code == 200
    assert holder() == old.key


def test_agents_go_along_when_a_token_is_replaced_twice() -> None:
    first, first_text = issue()
    register(first_text)
    second, _ = replace(first)
    _, third_text = replace(second)

    assert register(third_text).status_code == 200
    assert register(issue()[1]).status_code == 409


def test_both_together_have_no_more_agents_than_one() -> None:
    old, old_text = issue(max_agents=2)
    _, new_text = replace(old)
    assert register(old_text, "a").status_code == 201
    assert register(new_text, "b").status_code == 201

    for text in (old_text, new_text):
        refused = register(text, "c")
        assert (refused.status_code, "at most 2" in refused.text) == (403, True)
    assert register(new_text, "a").status_code == 200


def test_tokens_that_were_never_replaced_share_nothing() -> None:
    register(issue()[1])

    assert register(issue()[1]).status_code == 409


def test_the_history_says_who_replaced_which_token() -> None:
    old, _ = issue()

    new, _ = replace(old)

    event = AgentEvent.objects.latest("pk")
    assert (event.kind, event.actor) == ("token-issued", "admin:ada")
    assert event.reason == f"token {new.key} 'weather', replaces {old.key}"


def test_only_a_good_token_that_was_not_replaced_can_be_replaced() -> None:
    old, _ = issue()
    new, _ = replace(old)
    with pytest.raises(NotReplaceable, match=f"was replaced by {new.key}"):
        replace(old)
    access_tokens.revoke(key=new.key, actor="command")
    with pytest.raises(NotReplaceable, match="is revoked"):
        replace(new)
    for key in ("none", "a\0"):
        with pytest.raises(UnknownToken):
            rotate(key=key, actor="command", overlap=HOUR, lifetime=None)
    assert AccessToken.objects.count() == 2


@pytest.mark.parametrize(
    ("field", "overlap", "lifetime"),
    [
        ("overlap", timedelta(0), None),
        ("overlap", timedelta(days=91), None),
        ("lifetime", HOUR, timedelta(0)),
    ],
)
def test_impossible_times_change_nothing(
    field: str, overlap: timedelta, lifetime: timedelta | None
) -> None:
    old, _ = issue()

    with pytest.raises(BadTerms) as caught:
        rotate(key=old.key, actor="command", overlap=overlap, lifetime=lifetime)

    assert caught.value.field == field
    old.refresh_from_db()
    assert (old.expires_at, old.family) == (None, "")


@pytest.mark.django_db(transaction=True)
def test_of_two_replacements_at_once_one_is_refused() -> None:
    old, _ = issue()

    def replaced() -> str:
        try:
            return replace(old)[0].key
        except NotReplaceable as error:
            return str(error)

    with racing() as together:
        found = together(*[replaced] * 4)

    [new] = AccessToken.objects.exclude(pk=old.pk)
    assert sorted(found) == sorted([new.key, *[f"Token {old.key} was replaced by {new.key}."] * 3])
