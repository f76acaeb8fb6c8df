"""A server of packages and repositories over TLS that asks for a user and a password."""

import base64
import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path

USER = "reader"
PASSWORD = "hunter2-is-for-the-build-only"
# What this folder holds, everybody may read.
PUBLIC = "/public/"


class _Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        expected = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.path.startswith(PUBLIC) or self.headers["Authorization"] == f"Basic {expected}":
            super().do_GET()
            return
        self.send_response(HTTPStatus.UNAUTHORIZED)
        self.send_header("WWW-Authenticate", 'Basic realm="packages"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name there
        pass


@contextmanager
def serving(folder: Path, certificate: Path) -> Iterator[str]:
    """Serve a folder with a certificate that is made for it, and yield the URL."""
    key = certificate.with_suffix(".key")
    subprocess.run(
        [  # noqa: S607 - wherever this system has it
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-keyout",
            str(key),
            "-out",
            str(certificate),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    handler = partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://localhost:{server.server_port}"
        server.shutdown()


def make_repository(folder: Path, bare: Path, files: dict[str, str]) -> str:
    """Make a bare repository that can be read over HTTP, and return its commit."""

    def git(*arguments: str) -> str:
        who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
        done = subprocess.run(
            ["git", "-C", str(folder), *who, *arguments],  # noqa: S607 - wherever it is
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message=All")
    git("clone", "--quiet", "--bare", ".", str(bare))
    git("--git-dir", str(bare), "update-server-info")
    return git("rev-parse", "HEAD")
