import logging
import os
import threading
import time

from django.db import Error, close_old_connections

from agents.database.availability import log_unavailable
from agents.database.dialect import dialect
from agents.history.activity import ActivityRecorder
from agents.leases.expiry.lookout import TICK_SECONDS, Lookout
from agents.leases.expiry.turn import Turn
from agents.leases.purge.registry_uptime import PULSE_SECONDS, pulse

logger = logging.getLogger(__name__)


def start_background_thread() -> None:
    _start()
    os.register_at_fork(after_in_child=_start)


def _start() -> None:
    recorder = ActivityRecorder()
    recorder.record_at_exit()
    threading.Thread(target=_run, args=[recorder], name="background", daemon=True).start()
    turn = Turn()
    turn.release_at_exit()
    threading.Thread(target=_look_out, args=[turn], name="lookout", daemon=True).start()


def _run(recorder: ActivityRecorder) -> None:
    while True:
        recorder.sample()
        try:
            close_old_connections()
            pulse()
            recorder.record()
        except Error as error:
            log_unavailable(error)
        dialect.close_before_fork()
        time.sleep(PULSE_SECONDS)


def _look_out(turn: Turn) -> None:
    lookout: Lookout | None = None
    while True:
        try:
            close_old_connections()
            # Another process may have recorded what this one remembers.
            lookout = (lookout or Lookout()) if turn.take() else None
            if lookout is not None:
                lookout.check()
        except Error as error:
            lookout = None
            log_unavailable(error)
        except Exception:  # a bug here must not end the thread
            logger.exception("expired agents could not be recorded")
        dialect.close_before_fork()
        time.sleep(TICK_SECONDS)
