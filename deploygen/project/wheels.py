import os
import stat
import zipfile
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from io import BytesIO
from pathlib import Path

from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from deploygen.spec.requirements import WHEEL
from deploygen.spec.wheel_tags import problem_of_tags

LARGEST_BYTES = 256 * 1024 * 1024
LARGEST_METADATA = 4 * 1024 * 1024


class WheelError(Exception):
    pass


@dataclass(frozen=True)
class Wheel:
    """`python`: a specifier."""

    file: str
    content: bytes
    requires: list[str]
    python: str


def read_wheel(folder: Path, text: str, base_image: str) -> Wheel | None:
    """None unless a requirement names a wheel here. Raises WheelError."""
    match = WHEEL.fullmatch(text)
    if match is None:
        return None
    if problem := problem_of_tags(match["file"], base_image):
        raise WheelError(problem)
    path = folder / match["path"]
    try:
        content = _read(path, folder)
    except OSError as error:
        raise WheelError(f"{path} cannot be read: {error.strerror or error}") from error
    metadata = _metadata(content, match["file"])
    requires = metadata.get_all("Requires-Dist", [])
    return Wheel(match["file"], content, requires, metadata.get("Requires-Python", ""))


def _read(path: Path, folder: Path) -> bytes:
    # A link may lead to a private file.
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise WheelError(f"{path} leads out of the folder: put the wheel beside the spec")
    if not stat.S_ISREG(path.stat().st_mode):
        raise WheelError(f"{path} is not a file")
    with path.open("rb") as file:
        content = file.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise WheelError(f"{path} is larger than {LARGEST_BYTES // 1024 // 1024} MiB")
    return content


def _metadata(content: bytes, file: str) -> Message:
    """Raises WheelError for another package's."""
    name, version = parse_wheel_filename(file)[:2]
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            [entry] = [
                each
                for each in archive.infolist()
                if each.filename.endswith(".dist-info/METADATA") and each.filename.count("/") == 1
            ]
            if entry.file_size > LARGEST_METADATA:
                raise WheelError(f"{file} has metadata of {entry.file_size} bytes")
            metadata = HeaderParser().parsestr(archive.read(entry).decode("utf-8"))
        found = canonicalize_name(metadata["Name"]), Version(metadata["Version"])
    except (zipfile.BadZipFile, ValueError, TypeError, InvalidVersion, OSError) as error:
        raise WheelError(f"{file} is not a wheel") from error
    if found != (name, version):
        raise WheelError(f"{file} is a wheel of {found[0]} {found[1]}: give it its own name")
    return metadata
