import os
import threading
import time

from django.db import Error, close_old_connections

from agents.database.availability import log_unavailable
from agents.database.dialect import dialect
from agents.history.activity import ActivityRecorder
from agents.leases.purge.registry_uptime import PULSE_SECONDS, pulse


def start_background_thread() -> None:
    _start()
    os.register_at_fork(after_in_child=_start)


def _start() -> None:
    recorder = ActivityRecorder()
    recorder.record_at_exit()
    threading.Thread(target=_run, args=[recorder], name="background", daemon=True).start()


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
