"""Describes the machine that a benchmark ran on."""

import os
import platform
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import django

from tests.integration.postgres_cluster import find_programs


@cache
def describe() -> str:
    """As it is at the first call, before a benchmark takes a core for itself."""
    parts = [
        f"{len(os.sched_getaffinity(0))} cores ({_processor()})",
        f"{_memory_gigabytes()} GB of memory",
        f"Linux {'.'.join(platform.release().split('.')[:2])}",
        f"Python {platform.python_version()}",
        f"Django {django.get_version()}",
    ]
    if (programs := find_programs()) is not None:
        parts.append(f"PostgreSQL {_version(str(programs / 'postgres'))}")
    if (etcd := shutil.which("etcd")) is not None:
        parts.append(f"etcd {_version(etcd)}")
    return ", ".join(parts)


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def _memory_gigabytes() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _version(program: str) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"\d+(\.\d+)+", done.stdout)
    return found[0] if found else "of an unknown version"
