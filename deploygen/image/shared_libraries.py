"""Shared libraries, as the loader of glibc or musl lists them.

Only the loader knows all rules: folders, cache, paths in files, $ORIGIN.
"""

import ctypes
import os
import platform
import re
import signal
import struct
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

ELF = b"\x7fELF"
CLASS_64 = 2
LITTLE_ENDIAN = 1
PT_INTERP = 3


class Layout(NamedTuple):
    """Offsets in the ELF and program headers (elf(5))."""

    word: str
    table: int
    entry_size: int
    offset: int
    length: int


ELF64 = Layout("Q", table=32, entry_size=54, offset=8, length=32)
ELF32 = Layout("I", table=28, entry_size=42, offset=4, length=16)

# "libc.so.6 => /lib/libc.so.6 (0x7f...)"; musl may omit the name.
FOUND = re.compile(r"^\s*(?:\S+ => )?(?P<path>/.+?) \(0x[0-9a-f]+\)$")
NOT_FOUND = re.compile(r"^\s*(?P<name>\S+) => not found$|library (?P<of_musl>\S+): No such file")
OF_MUSL = "ld-musl-"
SETTINGS = ("etc/ld.so.cache", "etc/ld-musl-*.path")
# Loaded when a thread ends, but listed nowhere.
OF_ENDING_THREADS = "libgcc_s.so.1"
# Since glibc 2.34, name resolution is built in.
NAMES_BUILT_IN = (2, 34)
OF_HOST_NAMES = ("libnss_files.so.2", "libnss_dns.so.2")


@dataclass
class Libraries:
    paths: set[Path] = field(default_factory=set)
    missing: dict[str, list[Path]] = field(default_factory=dict)


def loader_of(program: Path) -> Path | None:
    """Return an ELF program's loader, None if it is static. Raises ValueError."""
    content = program.read_bytes()
    if content[:4] != ELF:
        raise ValueError(f"{program} is not an ELF file")
    layout = ELF64 if content[4] == CLASS_64 else ELF32
    order = "<" if content[5] == LITTLE_ENDIAN else ">"

    def read(form: str, offset: int) -> int:
        number: int = struct.unpack_from(order + form, content, offset)[0]
        return number

    table = read(layout.word, layout.table)
    size, count = read("H", layout.entry_size), read("H", layout.entry_size + 2)
    for entry in range(table, table + size * count, size):
        if read("I", entry) == PT_INTERP:
            start = read(layout.word, entry + layout.offset)
            length = read(layout.word, entry + layout.length)
            return Path(content[start : start + length].rstrip(b"\0").decode())
    return None


def is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(ELF)) == ELF


def libraries_of(files: Iterable[Path], loader: Path) -> Libraries:
    libraries = Libraries()
    for path in files:
        found, missing = read_list(_list(path, loader))
        libraries.paths |= found
        for name in missing:
            libraries.missing.setdefault(name, []).append(path)
    return libraries


def _list(path: Path, loader: Path) -> str:
    # glibc's --list stops at the first missing library; musl has only --list.
    of_musl = loader.name.startswith(OF_MUSL)
    done = subprocess.run(
        [str(loader), *(["--list"] if of_musl else []), str(path)],
        env={**os.environ, **({} if of_musl else {"LD_TRACE_LOADED_OBJECTS": "1"})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == -signal.SIGKILL:
        raise RuntimeError(f"{loader} was killed; perhaps the memory is too small")
    return done.stdout + done.stderr


def read_list(text: str) -> tuple[set[Path], set[str]]:
    found, missing = set(), set()
    for line in text.splitlines():
        if match := FOUND.match(line):
            found.add(Path(match["path"]))
        elif match := NOT_FOUND.search(line):
            missing.add(match["name"] or match["of_musl"])
    return found, missing


def late_libraries() -> Iterator[Path]:
    """Yield libraries that the C library loads by name."""
    name, version = platform.libc_ver()
    built_in = name != "glibc" or tuple(map(int, version.split(".")[:2])) >= NAMES_BUILT_IN
    for wanted in (OF_ENDING_THREADS, *(() if built_in else OF_HOST_NAMES)):
        try:
            ctypes.CDLL(wanted)
        except OSError:
            continue  # another C library
        for line in Path("/proc/self/maps").read_text().splitlines():
            path = line.partition("/")[2]
            if path.endswith(f"/{wanted}"):
                yield Path("/", path)
                break


def settings_of_loader(root: Path = Path("/")) -> Iterator[Path]:
    for pattern in SETTINGS:
        yield from sorted(root.glob(pattern))
