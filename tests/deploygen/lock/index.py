"""An index of made-up packages, and of those that every agent has."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from packaging.utils import canonicalize_name

from deploygen.output.package import pins_in, tested_lock
from tests.deploygen.wheels import wheel
from tests.serving import serving


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Index:
    """`url` is that of a server for the folder, which has a page for each package."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = f"{url}/simple/"
        tested = pins_in(tested_lock())
        for name, version in tested.items():
            self.add(name, version, *(sorted(tested.keys() - {name}) if name == "fastapi" else []))

    def add(
        self, name: str, version: str, *requires: str, python: str = "", code: str = ""
    ) -> None:
        """Add a wheel with these requirements, for the versions of Python in `python`."""
        module = name.replace("-", "_")
        page = self.folder / "simple" / canonicalize_name(name)
        page.mkdir(parents=True, exist_ok=True)
        metadata = [f"Requires-Dist: {each}" for each in requires]
        content = wheel(module, version, *metadata, code=code)
        file = f"{module}-{version}-py3-none-any.whl"
        (page / file).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        with (page / "index.html").open("a", encoding="utf-8") as text:
            attribute = f' data-requires-python="{python}"' if python else ""
            text.write(f'<a href="{file}#sha256={digest}"{attribute}>{file}</a>\n')


@contextmanager
def running_index(folder: Path) -> Iterator[Index]:
    handler = partial(_Quiet, directory=str(folder))
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as server:
        yield Index(folder, f"http://127.0.0.1:{server.server_port}")
