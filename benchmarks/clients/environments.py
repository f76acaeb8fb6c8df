"""An environment for each client, below var/clients, since their packages exclude each other."""

import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.clients.clients import Client
from tests.integration.registry_process import PROJECT

ENVIRONMENTS = PROJECT / "var" / "clients"
PROGRAMS = Path(__file__).with_name("programs")
# Of npm.
LOCKED = ("package.json", "package-lock.json")
VERSION = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"


class ClientFailed(Exception):
    """It cannot be installed or called; the message has its output."""


def install(name: str, client: Client) -> list[str]:
    """Return the command that runs its program. Raises ClientFailed."""
    folder = ENVIRONMENTS / name
    folder.mkdir(parents=True, exist_ok=True)
    return _of_python(folder, client) if client.requirements else of_npm(folder, client)


def version(name: str, client: Client) -> str:
    folder = ENVIRONMENTS / name
    if client.requirements:
        return run([str(folder / "bin" / "python"), "-c", VERSION, client.package]).strip()
    about = folder / "node_modules" / client.package / "package.json"
    found: str = json.loads(about.read_text(encoding="utf-8"))["version"]
    return found


def of_npm(folder: Path, client: Client) -> list[str]:
    """Return the command that runs its program, after an installation of the lock in `folder`."""
    for file in (*LOCKED, client.program):
        shutil.copy(PROGRAMS / file, folder)
    run(["npm", "ci", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)])
    return ["node", str(folder / client.program)]


def run(command: list[str], seconds: float = 900) -> str:
    """Return the output. Raises ClientFailed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ClientFailed(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise ClientFailed(f"{command[0]}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def _of_python(folder: Path, client: Client) -> list[str]:
    """The newest versions."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=False)
    options = ["--quiet", "--upgrade", "--python", str(python)]
    run([sys.executable, "-m", "uv", "pip", "install", *options, *client.requirements])
    # -P: not with modules of that folder, which may have a package's name.
    return [str(python), "-P", str(PROGRAMS / client.program)]
