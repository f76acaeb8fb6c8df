"""Ranges of versions, such as ``>=1.2,<2``.

Compared by PEP 440 if version and bound follow it, else by Semantic Versioning; other versions are
out of range. As in PEP 440, a range includes pre-releases only if it names one.

https://packaging.python.org/en/latest/specifications/version-specifiers/, https://semver.org/
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from packaging.specifiers import InvalidSpecifier, Specifier
from packaging.version import InvalidVersion, Version

CLAUSE = re.compile(r"\s*(===|~=|==|!=|<=|>=|<|>)\s*(\S+)\s*")
SEMANTIC = re.compile(
    r"v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?"
)
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
CACHE_SIZE = 10_000


@dataclass(frozen=True, order=True)
class SemanticVersion:
    """`identifiers`: of a pre-release."""

    release: tuple[int, int, int]
    is_final: bool
    identifiers: tuple[tuple[bool, int, str], ...]


@dataclass(frozen=True)
class Clause:
    operator: str
    bound: str
    specifier: Specifier | None
    semantic: SemanticVersion | None

    @property
    def names_prerelease(self) -> bool:
        bound = _pep440(self.bound.removesuffix(".*"))
        if bound is not None:
            return bound.is_prerelease
        return self.semantic is not None and not self.semantic.is_final

    def contains(self, text: str) -> bool:
        version = _pep440(text)
        if self.specifier is not None and version is not None:
            return self.specifier.contains(version, prereleases=True)
        semantic = _semantic(text)
        if self.semantic is None or semantic is None:
            return False
        bound = self.semantic
        is_before = self.operator == "<" and bound.is_final and not semantic.is_final
        if is_before and semantic.release == bound.release:
            return False  # as in PEP 440: <2 does not include 2.0.0-rc.1
        return COMPARE[self.operator](semantic, bound)


class VersionRange:
    """Raise ValueError, with a message for people, if `text` is not a range."""

    def __init__(self, text: str) -> None:
        self._clauses = [_clause(part) for part in text.split(",") if part.strip()]
        self._takes_prereleases = any(
            clause.names_prerelease for clause in self._clauses if clause.operator != "!="
        )

    def contains(self, version: str) -> bool:
        if not self._takes_prereleases and _is_prerelease(version):
            return False
        return all(clause.contains(version) for clause in self._clauses)


def is_range(text: str) -> bool:
    return CLAUSE.match(text) is not None or text[:1] in "<>=!~"


def _clause(text: str) -> Clause:
    match = CLAUSE.fullmatch(text)
    if match is None:
        raise ValueError(
            f"“{text.strip()}” is not a bound: give an operator (==, !=, <, <=, >, >=, ~=) and a "
            "version."
        )
    symbol, bound = match.groups()
    try:
        specifier = None if symbol == "===" else Specifier(f"{symbol}{bound}")
    except InvalidSpecifier:
        specifier = None
    semantic = _semantic(_with_three_numbers(bound)) if symbol in COMPARE else None
    if specifier is None and semantic is None:
        raise ValueError(
            f"“{text.strip()}” has no version that follows PEP 440 or Semantic Versioning."
        )
    return Clause(symbol, bound, specifier, semantic)


def _with_three_numbers(text: str) -> str:
    missing = 2 - text.count(".")
    return text + ".0" * missing if re.fullmatch(r"[\d.]+", text) else text


def _is_prerelease(text: str) -> bool:
    version = _pep440(text)
    if version is not None:
        return version.is_prerelease
    semantic = _semantic(text)
    return semantic is not None and not semantic.is_final


@lru_cache(CACHE_SIZE)
def _pep440(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


@lru_cache(CACHE_SIZE)
def _semantic(text: str) -> SemanticVersion | None:
    match = SEMANTIC.fullmatch(text)
    if match is None:
        return None
    major, minor, patch, prerelease = match.groups()
    identifiers = tuple(
        (False, int(part), "") if part.isdigit() else (True, 0, part)
        for part in (prerelease or "").split(".")
        if part
    )
    return SemanticVersion((int(major), int(minor), int(patch)), not prerelease, identifiers)
