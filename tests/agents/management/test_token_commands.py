"""``manage.py issue_token``, ``list_tokens``, ``replace_token`` and ``revoke_token``."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from agents.models import AccessToken
from agents.tokens import access as access_tokens
from agents.tokens import cache as token_cache
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


def manage(*arguments: str) -> str:
    output = io.StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


def issued(*arguments: str) -> AccessToken:
    manage("issue_token", *arguments)
    return AccessToken.objects.get()


class TestIssuing:
    def test_quiet_prints_only_the_token(self) -> None:
        text = manage("issue_token", "--quiet")

        assert text.endswith("\n")
        assert access_tokens.authenticate(text.removesuffix("\n")).may_register

    def test_issuing_prints_what_the_token_may_do_and_how_to_use_it(self) -> None:
        lines = manage("issue_token", "--prefix=weather-", "--days=30", "--max-agents=5").split(
            "\n"
        )

        token = AccessToken.objects.get()
        assert access_tokens.authenticate(lines[2].strip()).key == token.key
        assert lines[4].startswith(
            "It may register agents whose ids begin with weather-, 5 alive at most, until "
        )
        assert f"{token.expires_at:%Y-%m-%d %H:%M:%S} UTC" in lines[4]
        assert "AGENT_ENROLMENT_TOKEN" in lines[5]
        assert lines[6] == f"To revoke it: python manage.py revoke_token {token.key}"

    def test_all_options_are_stored(self) -> None:
        token = issued("--name=w", "--prefix=weather-", "--days=30", "--max-agents=5", "--read")

        assert (token.name, token.agent_prefix, token.max_agents) == ("w", "weather-", 5)
        assert (token.may_register, token.may_read, token.created_by) == (True, True, "command")
        assert token.expires_at is not None
        assert token.expires_at - token.created_at == timedelta(days=30)

    def test_by_default_a_token_registers_any_id_forever_and_cannot_read(self) -> None:
        token = issued()

        assert (token.agent_prefix, token.max_agents, token.expires_at) == ("", None, None)
        assert token.rights == ["register"]
        assert token.name == "all agents"

    def test_a_token_may_be_for_reading_only(self) -> None:
        token = issued("--read-only")

        assert token.rights == ["read"]
        assert token.name == "reading"

    @pytest.mark.parametrize(
        ("options", "rights"),
        [
            (["--operate"], ["register", "read", "operate"]),
            (["--operate", "--read-only"], ["read", "operate"]),
        ],
    )
    def test_a_token_of_an_operator_may_read_too(
        self, options: list[str], rights: list[str]
    ) -> None:
        token = issued(*options)

        assert token.rights == rights
        assert token.in_words.endswith("read about all agents and drain them")

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--prefix", "a b"],
            ["--prefix", "x" * 256],
            ["--days", "0"],
            ["--days", "-1"],
            ["--days", "x"],
            ["--days", "36501"],
            ["--days", "9" * 30],
            ["--max-agents", "0"],
            ["--max-agents", "9" * 30],
            ["--name", "x" * 101],
            ["--name", "a\nb"],
            ["--prefix", "a", "--read-only"],
            ["--max-agents", "1", "--read-only"],
        ],
    )
    def test_wrong_input_names_its_option(self, arguments: list[str]) -> None:
        with pytest.raises(CommandError, match=f"argument {arguments[0]}: "):
            manage("issue_token", *arguments)

        assert not AccessToken.objects.exists()

    def test_read_and_read_only_exclude_each_other(self) -> None:
        with pytest.raises(CommandError, match="--read-only"):
            manage("issue_token", "--read", "--read-only")


class TestRevoking:
    def test_a_token_is_revoked_once_by_its_key(self) -> None:
        token = issued()

        assert manage("revoke_token", token.key) == f"{token.key} revoked\n"
        assert manage("revoke_token", token.key) == f"{token.key} was revoked already\n"
        token.refresh_from_db()
        assert token.revoked_by == "command"

    def test_a_leaked_token_can_be_revoked_by_its_full_text(self) -> None:
        text = manage("issue_token", "--quiet").strip()

        assert manage("revoke_token", text) == f"{text[4:16]} revoked\n"
        token_cache.forget()
        with pytest.raises(access_tokens.InvalidToken):
            access_tokens.authenticate(text)

    @pytest.mark.parametrize("key", ["nobody", "", "x\0", "0" * 12])
    def test_an_unknown_key_is_reported(self, key: str) -> None:
        with pytest.raises(CommandError, match="list_tokens"):
            manage("revoke_token", key)


class TestReplacing:
    def test_a_token_is_replaced_by_one_of_the_same_rights(self) -> None:
        old = issued("--name=w", "--prefix=weather-", "--read")

        text = manage("replace_token", old.key, "--keep-hours=2", "--days=30", "--quiet").strip()

        access = access_tokens.authenticate(text)
        assert (access.agent_prefix, access.may_read) == ("weather-", True)
        new = AccessToken.objects.get(key=access.key)
        old.refresh_from_db()
        assert new.expires_at is not None
        assert new.expires_at - new.created_at == timedelta(days=30)
        assert old.expires_at is not None
        assert timedelta(hours=1) < old.expires_at - old.created_at < timedelta(hours=3)

    def test_what_cannot_be_replaced_is_reported(self) -> None:
        old = issued()
        with pytest.raises(CommandError, match="no token with the key 'none'"):
            manage("replace_token", "none")
        with pytest.raises(CommandError, match=r"--keep-hours: .* 90 days"):
            manage("replace_token", old.key, "--keep-hours=99999999999")
        assert "It may register" in manage("replace_token", old.key)
        with pytest.raises(CommandError, match="was replaced by"):
            manage("replace_token", old.key)


class TestListing:
    def test_without_tokens_the_list_shows_how_to_issue_one(self) -> None:
        assert "issue_token" in manage("list_tokens")
        assert json.loads(manage("list_tokens", "--json")) == []

    def test_each_token_has_a_line(self) -> None:
        manage("issue_token", "--prefix=weather-", "--days=30", "--max-agents=5")
        manage("issue_token", "--name=old")
        manage("issue_token", "--read-only")
        weather, old, _ = AccessToken.objects.order_by("pk")
        AccessToken.objects.filter(pk=weather.pk).update(
            last_used_at=timezone.now() - timedelta(minutes=5)
        )
        manage("revoke_token", old.key)
        AgentFactory.create_batch(2, enrolled_by=weather.key)
        AgentFactory.create(enrolled_by=weather.key, expired=True)

        titles, *lines = manage("list_tokens").splitlines()

        assert " ".join(titles.split()) == "KEY STATE ENDS IN MAY PREFIX ALIVE USED NAME"
        assert lines[0].split()[:6] == [weather.key, "good", "29", "d", "register", "weather-"]
        assert "2 of 5  5 min ago  agents weather-*" in lines[0]
        assert lines[1].split() == [old.key, "revoked", "-", "register", "-", "0", "never", "old"]
        assert lines[2].split()[2:] == ["-", "read", "-", "-", "never", "reading"]

    def test_json_has_everything_but_the_secret(self) -> None:
        text = manage("issue_token", "--quiet", "--days=1").strip()
        AgentFactory.create(enrolled_by=text[4:16])

        output = manage("list_tokens", "--json")

        [token] = json.loads(output)
        expected: dict[str, Any] = {"key": text[4:16], "state": "good", "alive_agents": 1}
        assert expected.items() <= token.items()
        assert token["expires_at"].endswith("+00:00")
        assert "digest" not in output
        assert text[17:] not in output
