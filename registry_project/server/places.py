import resource
from typing import Any

from registry_project.server.memory import available_memory

MEMORY_SHARE = 0.25
# Idle ones take half of it (`make connections`).
BYTES_PER_CONNECTION = 16 * 1024
FEWEST = 256
SPARE_FILES = 124


def connection_places(wanted: int, processes: int, log: Any) -> int:
    """Return how many connections a process keeps: `wanted`, or for 0, as many as fit.

    Raises the soft limit of open files.
    """
    share = available_memory() * MEMORY_SHARE / processes
    places = wanted or max(FEWEST, int(share / BYTES_PER_CONNECTION))
    files = _allow_files(places + SPARE_FILES)
    places = min(places, max(files - SPARE_FILES, files // 2))
    if places < wanted:
        log.warning(
            "The limit of open files leaves %s connections to a process instead of %s: "
            "raise the hard limit (ulimit -Hn)",
            places,
            wanted,
        )
    return places


def _allow_files(wanted: int) -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    except (ValueError, OSError):
        return soft
    return most
