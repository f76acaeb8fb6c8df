import asyncio
import fcntl
import hashlib
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TextIO

from deploygen.output.content import Content, sha256_of, write_content
from deploygen.output.package import CONSTRAINTS, LOCK, OWN_REQUIREMENTS

# Written last.
STAMP = "installed"
KEPT_SECONDS = 30 * 24 * 3600.0
LOCK_POLL_SECONDS = 0.1
LINES_OF_PIP = 30

Say = Callable[[str], None]


class InstallError(Exception):
    pass


@asynccontextmanager
async def environment(
    folder: Path, requirements: Mapping[str, Content], say: Say
) -> AsyncIterator[Path]:
    """Find or make an environment below `folder`, lock it, and yield its Python.

    `requirements`: files by path, with their wheels. Raises InstallError, OSError.
    """
    place = folder / _key(requirements)
    stamp = place / STAMP
    with _lock_file(place) as lock:
        await _lock(lock, fcntl.LOCK_SH)
        if not stamp.exists():
            await _lock(lock, fcntl.LOCK_EX)
            if not stamp.exists():
                await _make(place, requirements, say)
            await _lock(lock, fcntl.LOCK_SH)
        stamp.touch()
        _remove_unused(folder)
        yield place / "bin" / "python"


def _key(requirements: Mapping[str, Content]) -> str:
    digest = hashlib.sha256(f"{sys.version} {sys.base_prefix}".encode())
    for path, content in sorted(requirements.items()):
        digest.update(f"\0{path}\0{sha256_of(content)}".encode())
    return digest.hexdigest()[:16]


def _lock_file(place: Path) -> TextIO:
    place.parent.mkdir(parents=True, exist_ok=True)
    return place.with_suffix(".lock").open("w")


async def _lock(file: TextIO, kind: int) -> None:
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(LOCK_POLL_SECONDS)
        else:
            return


async def _make(place: Path, requirements: Mapping[str, Content], say: Say) -> None:
    say("installs its packages, once for these requirements ...")
    began = time.monotonic()
    shutil.rmtree(place, ignore_errors=True)
    # Our own pip installs: another one would take seconds.
    await _call(place.parent, "venv", "--without-pip", str(place))
    files = place / "requirements"
    for path, content in requirements.items():
        (files / path).parent.mkdir(parents=True, exist_ok=True)
        write_content(files / path, content)
    python = str(place / "bin" / "python")
    pip = ["pip", "--python", python, "--disable-pip-version-check", "--no-input", "--quiet"]
    locked = [LOCK]
    if OWN_REQUIREMENTS in requirements and CONSTRAINTS not in requirements:
        locked.append(OWN_REQUIREMENTS)
    named = [part for name in locked for part in ("-r", name)]
    await _call(files, *pip, "install", "--require-hashes", "--no-deps", *named)
    if CONSTRAINTS in requirements:
        await _call(files, *pip, "install", "-c", CONSTRAINTS, "-r", OWN_REQUIREMENTS)
    (place / STAMP).touch()
    say(f"installed them in {time.monotonic() - began:.0f} s")


async def _call(folder: Path, module: str, *arguments: str) -> None:
    """Raises InstallError."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        lines = output.decode(errors="replace").splitlines()[-LINES_OF_PIP:]
        raise InstallError("\n".join(["its packages cannot be installed:", *lines]))


def _remove_unused(folder: Path) -> None:
    oldest = time.time() - KEPT_SECONDS
    for lock in folder.glob("*.lock"):
        place = lock.with_suffix("")
        with suppress(OSError), lock.open() as file:  # in use, or incomplete
            if (place / STAMP).stat().st_mtime < oldest:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(place)
