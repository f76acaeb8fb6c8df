"""A shared library that needs one which no system has."""

import _ssl
import re
from pathlib import Path


def lacking_library(gone: str = "libgon") -> tuple[bytes, str]:
    """Return a library, and the name of the one that it needs in vain, before others.

    `gone` is as long as libssl, whose name it takes in the file.
    """
    content = Path(_ssl.__file__).read_bytes()
    match = re.search(rb"\0libssl(\.so[0-9.]*)(?=\0)", content)
    assert match, "this Python has OpenSSL built in"
    name = gone + match[1].decode()
    return content.replace(match[0], b"\0" + name.encode()), name
