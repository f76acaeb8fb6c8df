"""A headless browser, and a way in for it: what it complains about on our pages."""

import http.client
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

NAMES = ("chromium", "chromium-browser", "google-chrome")
LOADING_MILLISECONDS = 5000
HOP_BY_HOP = ("connection", "transfer-encoding", "content-length")


def find_browser() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def look_at(browser: str, url: str) -> tuple[str, list[str]]:
    """Return the page as the browser made it, and what its console says of forbidden contents."""
    with tempfile.TemporaryDirectory(prefix="browser-") as folder:
        done = subprocess.run(
            [
                *(
                    browser,
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                ),
                *(f"--user-data-dir={folder}", "--enable-logging=stderr", "--log-level=0"),
                *(f"--virtual-time-budget={LOADING_MILLISECONDS}", "--dump-dom", url),
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=100,
        )
    return done.stdout, [
        line
        for line in done.stderr.splitlines()
        if "CONSOLE" in line and "Content Security Policy" in line
    ]


@contextmanager
def logged_in(url: str, cookie: str) -> Iterator[str]:
    """Give a URL that leads to `url` with the cookie of a session."""
    target = urlsplit(url).netloc

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            connection = http.client.HTTPConnection(target, timeout=30)
            headers = {"Host": target, "Cookie": cookie, "Accept": self.headers["Accept"] or "*/*"}
            connection.request("GET", self.path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            connection.close()

        def log_message(self, *_arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
