"""One web process of the registry, on a database of a benchmark."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from registry_project.programs import registry_programs
from tests.integration.registry_process import free_port
from tests.processes import wait_until


@contextmanager
def web_server(url: str) -> Iterator[str]:
    """Run one web process on the database at `url`, open to everybody; give its address."""
    with tempfile.TemporaryDirectory(prefix="registry-benchmark-") as folder:
        port = free_port()
        [web] = [some for some in registry_programs("127.0.0.1", port, 1) if some.name == "web"]
        ours = {"DATABASE_URL": url, "REGISTRY_VAR_DIR": folder, "REGISTRY_AUTH": "open"}
        process = subprocess.Popen(web.argv, env={**os.environ, **web.environment, **ours})
        address = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: _answers(address), "an answer of the web server")
            yield address
        finally:
            process.terminate()
            process.wait()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health/live").is_success
    except httpx.TransportError:
        return False
