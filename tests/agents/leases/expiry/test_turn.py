"""One process at a time looks for expiries."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F

from agents.database.dialect import dialect
from agents.leases.expiry.turn import TURN, Turn
from agents.models import Lookout
from tests.agents.racing import Together, postgresql_only

pytestmark = pytest.mark.django_db


def test_the_first_has_the_turn_and_keeps_it() -> None:
    first, second = Turn(), Turn()

    assert [first.take(), second.take(), first.take(), second.take()] == [True, False, True, False]


@pytest.mark.parametrize("shift", [-TURN, 2 * TURN], ids=["it hangs", "the clock was set back"])
def test_another_takes_over_from_one_that_no_longer_renews(shift: timedelta) -> None:
    first, second = Turn(), Turn()
    first.take()
    Lookout.objects.update(until=F("until") + shift)

    assert second.take()
    assert not first.take()


def test_a_turn_is_renewed_before_it_ends() -> None:
    turn = Turn()
    turn.take()
    Lookout.objects.update(until=F("until") - TURN * 3 / 4)
    before = Lookout.objects.get().until

    assert turn.take()
    assert Lookout.objects.get().until > before


def test_another_takes_over_at_once_after_a_release() -> None:
    first, second = Turn(), Turn()
    first.take()
    second.release()
    assert not second.take()

    first.release()

    assert second.take()


@pytest.mark.django_db(transaction=True)
class TestProcesses:
    @postgresql_only
    def test_another_takes_over_at_once_from_a_dead_session(self, together: Together) -> None:
        turn = Turn()
        together(turn.take)  # its connection is closed

        assert dialect.session_has_ended(Lookout.objects.get().session)
        assert Turn().take()

    def test_of_many_at_once_one_gets_it(self, together: Together) -> None:
        all_tried = threading.Barrier(6)

        def take() -> bool:
            has_it = Turn().take()
            all_tried.wait(30)  # with its session open
            return has_it

        assert sum(together(*[take] * 6)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_process_that_ends_gives_its_turn_back(monkeypatch: pytest.MonkeyPatch) -> None:
    at_exit: list[Callable[[], object]] = []
    monkeypatch.setattr("agents.leases.expiry.turn.atexit.register", at_exit.append)
    turn = Turn()
    turn.release_at_exit()
    turn.take()

    [release] = at_exit
    release()

    assert not Lookout.objects.exists()
