import io
import zipfile
from collections.abc import Mapping

FIXED_TIME = (1980, 1, 1, 0, 0, 0)


def archive_of(modules: Mapping[str, bytes]) -> bytes:
    """Return a zip archive of contents by path, always the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for folder in _folders(modules):
            # Python cannot import a folder without __init__.py unless it has an entry.
            archive.writestr(_entry(f"{folder}/", 0o755), b"")
        for path in sorted(modules):
            archive.writestr(_entry(path, 0o644), modules[path])
    return buffer.getvalue()


def _folders(modules: Mapping[str, bytes]) -> list[str]:
    parts = [path.split("/")[:-1] for path in modules]
    return sorted({"/".join(each[:end]) for each in parts for end in range(1, len(each) + 1)})


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, FIXED_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = mode << 16
    return entry
