"""A headless browser that does what it is told, over the pipe of its DevTools protocol.

https://chromedevtools.github.io/devtools-protocol/
"""

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Seconds for an answer, and for what a page is waited for to show.
PATIENCE = 60.0
PAUSE = 0.05
# Of a page that a test waited for in vain.
STATE = """JSON.stringify({
  url: location.href,
  state: document.readyState,
  hidden: document.hidden,
  seconds: Math.round(performance.now() / 1000),
  says: [...document.querySelectorAll(".live-status, .live-age, .errornote")]
    .map(one => one.textContent),
  requests: performance.getEntriesByType("resource").slice(-5).map(
    one => [one.name, one.responseStatus, Math.round(one.startTime), Math.round(one.duration)]),
})"""
# The browser reads from its file 3, and writes to its file 4.
LAUNCH = """
import fcntl, os, sys
files = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
for number, file in zip((3, 4), files):
    os.dup2(file, number)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find_browser() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class BrowserPipe:
    """The protocol: objects of JSON, each ended by a zero byte, with numbers for the answers.

    `events` holds what the browser reported meanwhile, of all tabs.
    """

    def __init__(self, write_fd: int, read_fd: int) -> None:
        self._write_fd = write_fd
        self._read_fd = read_fd
        self._number = 0
        self._received = b""
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str | None = None, **parameters: Any) -> Any:
        """Return what the browser answers. Raise RuntimeError where that is an error."""
        self._number += 1
        said: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session:
            said["sessionId"] = session
        os.write(self._write_fd, json.dumps(said).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self._receive(deadline)
            if "id" not in answer:
                self.events.append(answer)
            elif answer["id"] == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def _receive(self, deadline: float) -> Any:
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._read_fd], [], [], deadline - time.monotonic())
            data = os.read(self._read_fd, 1 << 20) if ready else b""
            if not data:
                raise RuntimeError("the browser does not answer")
            self._received += data
        message, _, self._received = self._received.partition(b"\0")
        return json.loads(message)


class Tab:
    """A tab; those of one `context` share cookies, and nothing with those of another."""

    def __init__(self, pipe: BrowserPipe, context: str) -> None:
        self._pipe = pipe
        created = pipe.call("Target.createTarget", url="about:blank", browserContextId=context)
        self.target = created["targetId"]
        attached = pipe.call("Target.attachToTarget", targetId=self.target, flatten=True)
        self._session: str = attached["sessionId"]

    def call(self, method: str, **parameters: Any) -> Any:
        return self._pipe.call(method, self._session, **parameters)

    def open(self, url: str) -> None:
        """Go to a page, and wait until it is loaded."""
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def events(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of the events of one kind that the tab has had so far."""
        self.evaluate("0")  # what came before the answer is read with it
        return [
            event["params"]
            for event in self._pipe.events
            if event["method"] == method and event.get("sessionId") == self._session
        ]

    def evaluate(self, expression: str) -> Any:
        """Return the value of JavaScript, awaited; also on pages whose policy lets none in."""
        found = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(f"{expression}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Wait until JavaScript is true; fail, naming it, when it is not in time."""
        deadline = time.monotonic() + PATIENCE
        while not self._is_true(expression):
            if time.monotonic() > deadline:
                raise AssertionError(f"not in {PATIENCE:g} s: {expression}, in {self._state()}")
            time.sleep(PAUSE)

    def press_enter(self) -> None:
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, **key)

    def show(self) -> None:
        """Bring it before the other tabs, which so are hidden."""
        self._pipe.call("Target.activateTarget", targetId=self.target)

    def _state(self) -> str:
        """Describe the page, for a failure: whether it is hidden, what it says of its requests."""
        with suppress(RuntimeError):
            return str(self.evaluate(STATE))
        return "a page that does not answer"

    def _is_true(self, expression: str) -> bool:
        with suppress(RuntimeError):  # the page is just being replaced by another
            return bool(self.evaluate(expression))
        return False


@contextmanager
def open_browser(path: str, *options: str) -> Iterator[BrowserPipe]:
    """Run a browser."""
    to_browser, ours_to_write = os.pipe()
    ours_to_read, from_browser = os.pipe()
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                LAUNCH,
                str(to_browser),
                str(from_browser),
                path,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--remote-debugging-pipe",
                f"--user-data-dir={folder}",
                "--no-first-run",
                *options,
            ],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        pipe = BrowserPipe(ours_to_write, ours_to_read)
        try:
            yield pipe
        finally:
            with suppress(RuntimeError, OSError):
                pipe.call("Browser.close")
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(ours_to_write)
            os.close(ours_to_read)


@contextmanager
def new_context(pipe: BrowserPipe) -> Iterator[Callable[[], Tab]]:
    """Give what opens tabs in a browser that has just been started, as far as they can see."""
    context = pipe.call("Target.createBrowserContext")["browserContextId"]
    try:
        yield lambda: Tab(pipe, context)
    finally:
        pipe.call("Target.disposeBrowserContext", browserContextId=context)
        pipe.events.clear()
