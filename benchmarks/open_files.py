"""How many files a process may have open."""

import resource


def allow_as_many_as_possible() -> None:
    """Raise this process's limit, and that of what it starts, as far as the system lets it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
