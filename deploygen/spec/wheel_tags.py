"""See PEP 425."""

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from deploygen.spec.rules import python_of, pythons_of

GLIBC = ("manylinux", "linux_")
MUSL = ("musllinux", "linux_")


def problem_of_tags(file: str, base_image: str) -> str | None:
    """None: an image on that base can have the wheel."""
    tags = parse_wheel_filename(file)[3]
    python = python_of(base_image)
    fitting = _libraries(base_image)
    platforms = [tag.platform for tag in tags if tag.platform.startswith(fitting)]
    for version in pythons_of(base_image):
        if tags & _supported(version, platforms):
            return None
    of = "Python 3.11 or newer" if python is None else f"Python {python[0]}.{python[1]}"
    found = ", ".join(sorted(map(str, tags)))
    kind = " (musl)" if fitting == MUSL else ""
    return f"{file} is for {found}, and the image has {of} on Linux{kind}"


def _supported(version: tuple[int, int], platforms: list[str]) -> set[Tag]:
    interpreter = f"cp{version[0]}{version[1]}"
    return {
        *cpython_tags(version, [interpreter], platforms),
        *compatible_tags(version, interpreter, platforms),
    }


def _libraries(base_image: str) -> tuple[str, ...]:
    if "alpine" in base_image:
        return MUSL
    return GLIBC if python_of(base_image) else (*GLIBC, *MUSL)
