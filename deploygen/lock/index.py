"""See PEP 503, PEP 691."""

import os
import ssl
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urldefrag

import httpx
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from deploygen.lock.target import Target
from deploygen.spec.requirements import file_of

PYPI = "https://pypi.org/simple/"
JSON = "application/vnd.pypi.simple.v1+json"
ACCEPT = f"{JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
SECONDS = 20.0
AT_ONCE = 8


@dataclass(frozen=True)
class File:
    """`sha256`: "" if unknown."""

    version: Version
    sha256: str
    python: str
    is_yanked: bool

    def fits(self, target: Target) -> bool:
        try:
            return SpecifierSet(self.python).contains(f"{target.version}.99")
        except InvalidSpecifier:
            return False


def files_of(names: Iterable[str], url: str | None) -> dict[str, list[File]]:
    """Return files by package, without packages for which the index fails.

    `url`: None for pip's variable or PyPI.
    """
    base = (url or os.environ.get("PIP_INDEX_URL") or PYPI).rstrip("/")
    context = ssl.create_default_context()
    if bundle := os.environ.get("PIP_CERT"):
        context.load_verify_locations(bundle)
    with (
        httpx.Client(verify=context, timeout=SECONDS, follow_redirects=True) as client,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        answers = pool.map(lambda name: (name, _files(client, f"{base}/{name}/")), sorted(names))
        return {name: files for name, files in answers if files is not None}


def newest(files: Iterable[File], target: Target) -> Version | None:
    versions = {
        file.version
        for file in files
        if not file.is_yanked and not file.version.is_prerelease and file.fits(target)
    }
    return max(versions, default=None)


def _files(client: httpx.Client, url: str) -> list[File] | None:
    try:
        answer = client.get(url, headers={"Accept": ACCEPT})
        if answer.status_code == httpx.codes.NOT_FOUND:
            return []
        answer.raise_for_status()
        if JSON in answer.headers.get("Content-Type", ""):
            return list(_from_json(answer.json()["files"]))
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None
    page = _Page()
    page.feed(answer.text)
    return page.files


def _from_json(entries: list[dict[str, Any]]) -> Iterator[File]:
    for entry in entries:
        if named := file_of(entry["filename"]):
            python = entry.get("requires-python") or ""
            digest = entry.get("hashes", {}).get("sha256", "")
            yield File(named[1], digest, python, bool(entry.get("yanked")))


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.files: list[File] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        url, fragment = urldefrag(given.get("href") or "")
        if tag == "a" and (named := file_of(unquote(url))):
            digest = fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else ""
            python = given.get("data-requires-python") or ""
            self.files.append(File(named[1], digest, python, "data-yanked" in given))
