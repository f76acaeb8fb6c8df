"""Files as a zip, always the same bytes."""

import io
import zipfile
from collections.abc import Mapping

# The first that zip knows.
DATE = (1980, 1, 1, 0, 0, 0)
MODE = 0o100644
COMPRESSION_LEVEL = 6


def zipped(files: Mapping[str, str], folder: str) -> bytes:
    """Return an archive that unpacks into one `folder`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(
        buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION_LEVEL
    ) as all_:
        for path, text in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{folder}/{path}", DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, wherever it is made
            entry.external_attr = MODE << 16
            all_.writestr(entry, text)
    return buffer.getvalue()
