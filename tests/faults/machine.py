"""Faults of a machine: a network that is cut, a full disk (both need root), a wrong clock."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

DISK_MEGABYTES = 320


@dataclass(frozen=True)
class Network:
    """A network namespace that acts as another machine, with a link that can be cut."""

    name: str
    address: str  # of this machine, on that link

    @property
    def prefix(self) -> list[str]:
        """The command prefix that runs a command in the namespace."""
        return ["ip", "netns", "exec", self.name]

    def cut(self) -> None:
        _ip("link", "set", self.name, "down")

    def mend(self) -> None:
        _ip("link", "set", self.name, "up")


@contextmanager
def joined_network() -> Iterator[Network | None]:
    """Yield a namespace, or None if this process may not create one."""
    number = os.getpid() % 16_384
    name = f"faults{number}"
    # Addresses for test beds (RFC 2544), four for each network.
    base, last = f"198.18.{number // 64}", number % 64 * 4
    try:
        _join(name, f"{base}.{last + 1}", f"{base}.{last + 2}")
    except (OSError, subprocess.CalledProcessError):
        _part(name)
        yield None
        return
    try:
        yield Network(name, f"{base}.{last + 1}")
    finally:
        _part(name)


def _join(name: str, here: str, there: str) -> None:
    far = f"{name}b"
    _ip("netns", "add", name)
    _ip("link", "add", name, "type", "veth", "peer", "name", far, "netns", name)
    _ip("address", "add", f"{here}/30", "dev", name)
    _ip("link", "set", name, "up")
    _ip("-n", name, "address", "add", f"{there}/30", "dev", far)
    _ip("-n", name, "link", "set", far, "up")


def _part(name: str) -> None:
    for arguments in (("link", "delete", name), ("netns", "delete", name)):
        with suppress(OSError, subprocess.CalledProcessError):
            _ip(*arguments)


def _ip(*arguments: str) -> None:
    subprocess.run(
        ["ip", *arguments],  # noqa: S607 - wherever this system has it
        check=True,
        capture_output=True,
    )


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Mount a small file system on `folder`; yield whether that was possible."""
    options = f"size={DISK_MEGABYTES}m,mode=0755"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Fill the file system of `folder` completely."""
    ballast = folder / "ballast"
    try:
        with ballast.open("wb", buffering=0) as output, suppress(OSError):
            while True:
                output.write(b"\0" * 65536)
        yield
    finally:
        ballast.unlink()


class Clock:
    """A clock that can be set for programs started with its `environment`."""

    def __init__(self, folder: Path) -> None:
        self._offset = folder / "clock"
        self._library = folder / "wrong_clock.so"
        self._offset.write_bytes(bytes(8))
        compiler = shutil.which("cc")
        self.is_possible = compiler is not None and sys.platform == "linux"
        if compiler is not None and self.is_possible:
            source = Path(__file__).with_name("wrong_clock.c")
            options = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror"]
            subprocess.run([compiler, *options, "-o", self._library, source], check=True)

    @property
    def environment(self) -> dict[str, str]:
        """The variables for such programs; empty if the clock cannot be set."""
        if not self.is_possible:
            return {}
        return {"LD_PRELOAD": str(self._library), "WRONG_CLOCK": str(self._offset)}

    def set(self, seconds: int) -> None:
        """Set the clock's error."""
        with self._offset.open("r+b") as output:  # in place, since the programs map the file
            output.write(seconds.to_bytes(8, sys.byteorder, signed=True))
