import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from deploygen.output.conflicts import environment
from deploygen.spec.rules import python_of

MACHINE = "x86_64"
# Debian 12 and Alpine 3.19, or newer.
GLIBC_MINORS = range(36, 4, -1)
MUSL_MINORS = range(2, 0, -1)
OLD_NAMES = ("manylinux2014", "manylinux2010", "manylinux1")


@dataclass(frozen=True)
class Target:
    python: tuple[int, int]
    musl: bool

    def __str__(self) -> str:
        return f"Python {self.version} on Linux{' (musl)' if self.musl else ''}"

    @property
    def version(self) -> str:
        return f"{self.python[0]}.{self.python[1]}"

    def is_here(self) -> bool:
        is_musl = platform.libc_ver()[0] != "glibc"
        here = (sys.platform, platform.machine(), sys.version_info[:2], is_musl)
        return here == ("linux", MACHINE, self.python, self.musl)

    def platforms(self) -> Iterator[str]:
        """Newest first."""
        if self.musl:
            yield from (f"musllinux_1_{minor}_{MACHINE}" for minor in MUSL_MINORS)
            return
        yield from (f"manylinux_2_{minor}_{MACHINE}" for minor in GLIBC_MINORS)
        yield from (f"{name}_{MACHINE}" for name in OLD_NAMES)

    def environment(self) -> dict[str, str]:
        """See PEP 508."""
        return environment(self.python, 0, MACHINE)


def target_of(base_image: str) -> Target | None:
    python = python_of(base_image)
    return None if python is None else Target(python, musl="alpine" in base_image)
