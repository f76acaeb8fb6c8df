"""How many connections a web process keeps."""

import resource
from typing import Any

from registry_project.server.memory import available_memory

# Of all memory; the rest is for Python, the database's connections and requests.
MEMORY_SHARE = 0.25
# An idle connection takes half of it (`make connections`); some carry a request or an answer.
BYTES_PER_CONNECTION = 16 * 1024
FEWEST = 256
SPARE_FILES = 124  # for the database, logs and the like


def connection_places(wanted: int, processes: int, log: Any) -> int:
    """Return how many connections one of the processes keeps: `wanted`, or 0 for what fits.

    Raise the limit of open files as far as that takes and the hard limit allows.
    """
    share = available_memory() * MEMORY_SHARE / processes
    places = wanted or max(FEWEST, int(share / BYTES_PER_CONNECTION))
    files = _allow_files(places + SPARE_FILES)
    places = min(places, max(files - SPARE_FILES, files // 2))
    if places < wanted:
        log.warning(
            "A process may open so few files that it keeps %s connections instead of %s: "
            "raise the hard limit (ulimit -Hn)",
            places,
            wanted,
        )
    return places


def _allow_files(wanted: int) -> int:
    """Return how many files the process may open then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    except (ValueError, OSError):  # macOS: the kernel allows fewer than the hard limit
        return soft
    return most
