import logging
import os
import threading
import time

from django.db import Error, close_old_connections

from agents.database.availability import log_unavailable
from agents.database.dialect import dialect
from agents.history.activity import ActivityRecorder, LivingRecorder
from agents.leases.expiry.lookout import TICK_SECONDS, Lookout
from agents.leases.expiry.turn import Turn
from agents.leases.fleet.last_count import recent_count
from agents.leases.purge.registry_uptime import PULSE_SECONDS, pulse
from agents.notifications.dispatch import dispatch
from agents.notifications.wake import Waker

logger = logging.getLogger(__name__)

NOTIFY_SECONDS = 1.0  # between two looks for new events


def start_background_thread() -> None:
    _start()
    os.register_at_fork(after_in_child=_start)


def _start() -> None:
    recorder = ActivityRecorder()
    recorder.record_at_exit()
    threading.Thread(target=_run, args=[recorder], name="background", daemon=True).start()
    turn = Turn()
    turn.release_at_exit()
    is_ours = threading.Event()
    for name, target, arguments in (
        ("lookout", _look_out, [turn, is_ours]),
        ("notifications", _notify, [is_ours]),
    ):
        threading.Thread(target=target, args=arguments, name=name, daemon=True).start()


def _run(recorder: ActivityRecorder) -> None:
    living = LivingRecorder(lambda: recent_count().active)
    while True:
        recorder.sample()
        try:
            close_old_connections()
            pulse()
            recorder.record()
            living.record()
        except Error as error:
            log_unavailable(error)
        dialect.close_before_fork()
        time.sleep(PULSE_SECONDS)


def _look_out(turn: Turn, is_ours: threading.Event) -> None:
    """Look for expired agents if it is this process's turn, which `is_ours` shows."""
    lookout: Lookout | None = None
    while True:
        try:
            close_old_connections()
            # Another process may have recorded what this one remembers.
            lookout = (lookout or Lookout()) if turn.take() else None
            if lookout is None:
                is_ours.clear()
            else:
                is_ours.set()
                lookout.check()
        except Error as error:
            lookout = None
            log_unavailable(error)
        except Exception:  # a bug here must not end the thread
            logger.exception("expired agents could not be recorded")
        dialect.close_before_fork()
        time.sleep(TICK_SECONDS)


def _notify(is_ours: threading.Event) -> None:
    """Apply rules to new events in the process that writes expiries, and wake a worker."""
    waker = Waker()
    while True:
        is_ours.wait()
        is_behind = False
        try:
            close_old_connections()
            is_behind = dispatch()
            waker.wake_if_due()
        except Error as error:
            log_unavailable(error)
        except Exception:  # a bug here must not end the thread
            logger.exception("notifications could not be made")
        dialect.close_before_fork()
        if not is_behind:
            time.sleep(NOTIFY_SECONDS)
