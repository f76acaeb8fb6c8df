"""Lets one process at a time look for expiries. Two for a moment do no harm."""

import atexit
import uuid
from contextlib import suppress
from datetime import timedelta

from django.db import Error, connection

from agents.database.clock import DatabaseNow
from agents.database.dialect import dialect
from agents.models import Lookout
from agents.querysets import read_at

TURN = timedelta(seconds=4)  # others take over from a process that hangs
# Only a database's clock that was set back leaves a turn more than this.
AHEAD = 2 * TURN


class Turn:
    def __init__(self) -> None:
        self._name = str(uuid.uuid4())

    def take(self) -> bool:
        """Return whether it is this process's turn, which lasts until `release` or death."""
        held = Lookout.objects.annotate(read_at=DatabaseNow()).first()
        if held is None:
            first = self._row()
            Lookout.objects.bulk_create([first], ignore_conflicts=True)
            return Lookout.objects.filter(holder=self._name).exists()
        left = held.until - read_at(held)
        if held.holder == self._name:
            return TURN / 2 < left < AHEAD or self._renew(held)
        is_over = not timedelta(0) < left < AHEAD
        return (is_over or dialect.session_has_ended(held.session)) and self._renew(held)

    def release(self) -> None:
        Lookout.objects.filter(holder=self._name).delete()

    def release_at_exit(self) -> None:
        atexit.register(self._release_last)

    def _renew(self, held: Lookout) -> bool:
        """Return False if another process was faster."""
        same = Lookout.objects.filter(holder=held.holder, session=held.session)
        mine = self._row()
        return bool(same.update(holder=mine.holder, session=mine.session, until=mine.until))

    def _row(self) -> Lookout:
        return Lookout(holder=self._name, session=dialect.session(), until=DatabaseNow() + TURN)

    def _release_last(self) -> None:
        with suppress(Error):
            self.release()
            connection.close()
