"""Access tokens: issuing, checking, caching, revoking."""

import itertools
import secrets
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.models import AccessToken, AgentEvent
from agents.tokens import access as access_tokens
from agents.tokens import cache as token_cache
from agents.tokens.access import InvalidToken
from agents.tokens.expiring_cache import MAX_SIZE, ExpiringCache
from agents.tokens.terms import BadTerms

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A monotonic clock that stands still unless a test moves it."""

    class Clock:
        seconds = 1000.0

        def monotonic(self) -> float:
            return self.seconds

    clock = Clock()
    monkeypatch.setattr("agents.tokens.expiring_cache.time", clock)
    return clock


def issue(**terms: Any) -> tuple[AccessToken, str]:
    return access_tokens.issue(**({"name": "a token", "actor": "command"} | terms))


def refusal(text: str) -> str:
    with pytest.raises(InvalidToken) as caught:
        access_tokens.authenticate(text)
    return str(caught.value)


class TestIssuing:
    def test_a_token_is_valid_at_once_with_its_terms(self) -> None:
        token, text = issue(agent_prefix="weather-", max_agents=3, may_read=True)

        access = access_tokens.authenticate(text)

        assert (access.key, access.agent_prefix, access.max_agents) == (token.key, "weather-", 3)
        assert access.may_register
        assert access.may_read
        assert access.actor == f"token:{token.key}"

    def test_a_token_has_a_form_that_secret_scanners_recognise(self) -> None:
        token, text = issue()

        prefix, key, secret = text.split("_")
        assert (prefix, key) == ("art", token.key)
        assert len(key) == 12
        assert key.isalnum()
        assert key == key.lower()
        assert len(secret) >= 40
        assert secret.isalnum()

    def test_the_secret_is_stored_nowhere(self) -> None:
        token, text = issue()
        secret = text.rpartition("_")[2]

        rows = [AccessToken.objects.values().get(), *AgentEvent.objects.values()]
        assert secret not in str(rows)
        assert secret not in repr(access_tokens.authenticate(text))
        assert text not in str(token_cache._tokens._values)
        assert token.digest in str(rows)  # shows that the search covers the right rows

    def test_a_lifetime_starts_at_the_databases_time(self) -> None:
        token, _ = issue(lifetime=timedelta(days=30))

        assert token.expires_at is not None
        assert token.expires_at - token.created_at == timedelta(days=30)
        assert issue()[0].expires_at is None

    def test_the_history_records_who_issued_a_token(self) -> None:
        token, _ = issue(name="weather", actor="admin:ada")

        event = AgentEvent.objects.get()
        assert (event.kind, event.actor, event.agent_id) == ("token-issued", "admin:ada", "")
        assert token.key in event.reason
        assert "weather" in event.reason

    @pytest.mark.parametrize(
        ("field", "terms"),
        [
            ("name", {"name": ""}),
            ("name", {"name": "x" * 101}),
            ("name", {"name": "two\nlines"}),
            ("may_register", {"may_register": False}),
            ("agent_prefix", {"agent_prefix": "a b"}),
            ("agent_prefix", {"agent_prefix": "x" * 256}),
            ("agent_prefix", {"agent_prefix": "a\n"}),
            ("agent_prefix", {"may_register": False, "may_read": True, "agent_prefix": "a"}),
            ("max_agents", {"may_register": False, "may_read": True, "max_agents": 1}),
            ("may_operate", {"may_operate": True}),
            ("max_agents", {"max_agents": 0}),
            ("max_agents", {"max_agents": 2**31}),
            ("lifetime", {"lifetime": timedelta(0)}),
            ("lifetime", {"lifetime": timedelta(days=36_501)}),
        ],
    )
    def test_invalid_terms_are_refused(self, field: str, terms: dict[str, Any]) -> None:
        with pytest.raises(BadTerms) as caught:
            issue(**terms)

        assert caught.value.field == field
        assert not AccessToken.objects.exists()

    def test_the_longest_name_fits_into_the_history(self) -> None:
        issue(name="'\"\\" * 33)

        assert AgentEvent.objects.get().reason

    def test_a_key_is_never_issued_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        taken = issue()[0].key
        keys = itertools.chain(taken, "b" * 12)
        choose = secrets.choice

        def choice(characters: str) -> str:
            return next(keys) if characters == access_tokens.KEY_CHARACTERS else choose(characters)

        monkeypatch.setattr("agents.tokens.access.secrets.choice", choice)

        assert issue()[0].key == "b" * 12


class TestRefusing:
    @pytest.mark.parametrize("change", ["", "art_", "x", "art_abc_def", "ä", "\n"])
    def test_malformed_text_is_refused_without_a_query(self, change: str) -> None:
        _, text = issue()

        with CaptureQueriesContext(connection) as queries:
            assert refusal(text + change if change != "" else "") == (
                "it does not look like a token"
            )

        assert len(queries) == 0

    def test_a_wrong_secret_and_an_unknown_key_have_different_messages_for_the_log(self) -> None:
        token, text = issue()
        other = "art_" + "0" * 12 + text[16:]

        assert refusal(f"{text[:-1]}{'a' if text[-1] != 'a' else 'b'}") == (
            f"the secret of token {token.key} is wrong"
        )
        assert refusal(other) == "there is no token 000000000000"
        assert access_tokens.authenticate(text)

    def test_a_token_expires_exactly_at_its_time(self) -> None:
        token, _ = issue(lifetime=timedelta(days=1))
        end = token.expires_at
        assert end is not None

        assert token.state(end - timedelta(microseconds=1)) == "good"
        assert token.state(end) == "expired"

    def test_an_expired_token_is_refused(self) -> None:
        token, text = issue(lifetime=timedelta(days=1))
        AccessToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

        assert refusal(text) == f"token {token.key} is expired"

    def test_a_cached_token_is_refused_once_it_expires(self, clock: Any) -> None:
        _, text = issue()
        AccessToken.objects.update(expires_at=timezone.now() + timedelta(seconds=1))
        assert access_tokens.authenticate(text)
        AccessToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

        clock.seconds += 1.1

        assert "expired" in refusal(text)


class TestRevoking:
    def test_a_revoked_token_is_refused_at_once_in_this_process(
        self, django_capture_on_commit_callbacks: Any
    ) -> None:
        token, text = issue()
        assert access_tokens.authenticate(text)

        with django_capture_on_commit_callbacks(execute=True):
            assert access_tokens.revoke(key=token.key, actor="admin:ada")

        assert refusal(text) == f"token {token.key} is revoked"
        token.refresh_from_db()
        assert token.revoked_by == "admin:ada"
        event = AgentEvent.objects.get(kind="token-revoked")
        assert (event.actor, event.agent_id) == ("admin:ada", "")

    def test_a_token_revoked_by_another_process_is_refused_after_two_seconds(
        self, clock: Any
    ) -> None:
        _, text = issue()
        access_tokens.authenticate(text)
        AccessToken.objects.update(revoked_at=timezone.now())

        clock.seconds += 1.9
        assert access_tokens.authenticate(text)
        clock.seconds += 0.1
        assert "revoked" in refusal(text)

    def test_revoking_again_changes_nothing(self) -> None:
        token, _ = issue()
        access_tokens.revoke(key=token.key, actor="admin:ada")
        first = AccessToken.objects.values().get()

        assert not access_tokens.revoke(key=token.key, actor="admin:grace")
        assert AccessToken.objects.values().get() == first
        assert AgentEvent.objects.filter(kind="token-revoked").count() == 1

    def test_an_unknown_token_cannot_be_revoked(self) -> None:
        with pytest.raises(access_tokens.UnknownToken):
            access_tokens.revoke(key="nobody", actor="command")


class TestCaching:
    def test_a_token_is_queried_once_in_two_seconds(self, clock: Any) -> None:
        _, text = issue()
        access_tokens.authenticate(text)

        with CaptureQueriesContext(connection) as queries:
            for _ in range(10):
                access_tokens.authenticate(text)
        assert len(queries) == 0

        clock.seconds += 2
        with CaptureQueriesContext(connection) as queries:
            access_tokens.authenticate(text)
        assert len(queries) == 1

    def test_repeating_a_wrong_token_costs_one_query(self) -> None:
        text = f"art_{'0' * 12}_{'x' * 43}"

        with CaptureQueriesContext(connection) as queries:
            for _ in range(10):
                refusal(text)

        assert len(queries) == 1

    def test_wrong_secrets_for_a_token_cost_one_query(self) -> None:
        _, text = issue()

        with CaptureQueriesContext(connection) as queries:
            for number in range(10, 20):
                refusal(f"{text[:-2]}{number}" if not text.endswith(str(number)) else text + "0")

        assert len(queries) == 1

    def test_a_revoked_token_is_looked_up_once_a_minute(self, clock: Any) -> None:
        token, text = issue()
        access_tokens.revoke(key=token.key, actor="command")
        refusal(text)

        clock.seconds += 59
        with CaptureQueriesContext(connection) as queries:
            refusal(text)
        assert len(queries) == 0

    def test_made_up_keys_do_not_evict_valid_tokens(self) -> None:
        _, text = issue()
        access_tokens.authenticate(text)
        for number in range(MAX_SIZE + 1):
            token_cache._unknown_keys.put(str(number), True, 2)

        with CaptureQueriesContext(connection) as queries:
            access_tokens.authenticate(text)
        assert len(queries) == 0

    def test_the_cache_never_exceeds_its_maximum_size(self) -> None:
        cache = ExpiringCache[int](max_size=3)
        for number in range(10):
            cache.put(str(number), number, 60)
            assert cache.get(str(number)) == number
            assert len(cache._values) <= 3


class TestLastUse:
    def test_the_last_use_is_written_at_first_and_then_once_a_minute(self, clock: Any) -> None:
        token, text = issue()
        access_tokens.authenticate(text, "10.0.0.7")
        token.refresh_from_db()
        first = token.last_used_at
        assert first is not None
        assert token.last_used_from == "10.0.0.7"

        clock.seconds += 59
        access_tokens.authenticate(text, "10.0.0.8")
        token.refresh_from_db()
        assert token.last_used_from == "10.0.0.7"

        clock.seconds += 1
        AccessToken.objects.update(last_used_at=first - timedelta(seconds=60))
        access_tokens.authenticate(text, "10.0.0.8")
        token.refresh_from_db()
        assert token.last_used_from == "10.0.0.8"

    def test_a_last_use_written_by_another_process_is_kept_for_a_minute(self) -> None:
        token, text = issue()
        AccessToken.objects.update(last_used_at=timezone.now(), last_used_from="10.0.0.9")

        access_tokens.authenticate(text, "10.0.0.7")

        token.refresh_from_db()
        assert token.last_used_from == "10.0.0.9"

    def test_a_refused_token_records_no_use(self) -> None:
        token, text = issue()
        refusal(f"{text[:-1]}{'a' if text[-1] != 'a' else 'b'}")
        AccessToken.objects.update(revoked_at=timezone.now())
        token_cache.forget()
        refusal(text)

        token.refresh_from_db()
        assert token.last_used_at is None

    @pytest.mark.django_db(transaction=True)
    def test_recording_the_last_use_does_not_wait_for_a_lock(self, clock: Any) -> None:
        """On SQLite that is the only write lock."""
        token, text = issue()
        held, done = threading.Event(), threading.Event()

        def hold() -> None:
            with transaction.atomic():
                AccessToken.objects.select_for_update().get(pk=token.pk)
                AccessToken.objects.filter(pk=token.pk).update(name="held")
                held.set()
                done.wait(60)
            connection.close()

        holder = threading.Thread(target=hold)
        holder.start()
        try:
            assert held.wait(30)
            began = datetime.now()  # noqa: DTZ005 - a duration
            assert access_tokens.authenticate(text, "10.0.0.7")
            assert datetime.now() - began < timedelta(seconds=10)  # noqa: DTZ005
            assert AccessToken.objects.get(pk=token.pk).last_used_at is None
        finally:
            done.set()
            holder.join()
        clock.seconds += token_cache.USE_SECONDS if connection.vendor == "postgresql" else 1
        access_tokens.authenticate(text, "10.0.0.7")
        assert AccessToken.objects.get(pk=token.pk).last_used_from == "10.0.0.7"
        if connection.vendor == "sqlite":  # later statements wait again
            with connection.cursor() as cursor:
                assert cursor.execute("PRAGMA busy_timeout").fetchone()[0] > 0
