"""The agent notices that its process stood still."""

import asyncio
import re
import threading
import time

import pytest

from deploygen.runtime.registry import loop_lag
from deploygen.runtime.registry.loop_lag import LoopLag
from tests.processes import wait_until

# Matching takes twice as long with each letter, and holds the interpreter's lock.
ENDLESS = re.compile(r"(a+)+$")


def hold_the_lock(seconds: float) -> None:
    letters, took = 16, 0.0
    while took < seconds:
        letters += 1
        began = time.monotonic()
        assert not ENDLESS.match("a" * letters + "b")
        took = time.monotonic() - began


def test_a_process_that_stood_still_is_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_lag, "STOOD_STILL_SECONDS", 0.1)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=asyncio.run, args=[LoopLag(loop).measure()])
    thread.start()
    try:
        # Longer than the pause between two looks, which it then delays.
        hold_the_lock(1.0)
        wait_until(lambda: "stood still" in caplog.text, "the log line")
    finally:
        loop.close()
        thread.join()
    assert re.search(r"the agent stood still for \d+\.\d s: the handler held", caplog.text)
