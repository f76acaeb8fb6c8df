"""The only reader of environment variables.

``NAME_FILE`` names a file with the value of ``NAME``. Empty means unset. Wrong values are refused
together.
"""

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping  # type: ignore[import-untyped]

Value = TypeVar("Value")

TRUE = {"true", "yes", "on", "1"}
FALSE = {"false", "no", "off", "0"}
LONGEST_SHOWN = 80
ESCAPE = "in a user name or password, write / as %2F, ? as %3F, # as %23 and @ as %40"
CREDENTIALS = re.compile("//.*@", re.DOTALL)


class WrongValue(ValueError):
    pass


class Environment:
    """Returns `default` for what is unset, or wrong: see `problems`."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = FileAwareMapping(dict(os.environ if variables is None else variables))
        self.names: set[str] = set()
        self.problems: list[str] = []

    def refuse_wrong_values(self) -> None:
        """Raise ImproperlyConfigured."""
        if self.problems:
            lines = "".join(f"\n  {problem}" for problem in self.problems)
            raise ImproperlyConfigured(f"Environment variables with wrong values:{lines}")

    def text(self, name: str, default: str = "") -> str:
        return self.parsed(name, default, str, takes="text")

    def flag(self, name: str, *, default: bool) -> bool:
        return self.parsed(name, default, _flag, takes="true or false")

    def integer(self, name: str, default: int, lowest: int, highest: int) -> int:
        def parse(text: str) -> int:
            return _within(int(text), lowest, highest)

        takes = f"a whole number from {lowest} to {highest}"
        return self.parsed(name, default, parse, takes=takes)

    def number(self, name: str, default: float, lowest: float, highest: float) -> float:
        def parse(text: str) -> float:
            return _within(float(text), lowest, highest)

        takes = f"a number from {lowest:g} to {highest:g}"
        return self.parsed(name, default, parse, takes=takes)

    def choice(self, name: str, default: str, choices: Sequence[str]) -> str:
        """Ignores case."""
        known = {choice.lower(): choice for choice in choices}

        def parse(text: str) -> str:
            if text.lower() not in known:
                raise ValueError
            return known[text.lower()]

        return self.parsed(name, default, parse, takes=f"one of: {', '.join(choices)}")

    def words(self, name: str, default: Sequence[str] = ()) -> list[str]:
        return self.parsed(name, list(default), _words, takes="words, separated by commas")

    def url(self, name: str, default: str, schemes: Sequence[str], *, example: str) -> str:
        def parse(text: str) -> str:
            split_url(text, schemes)
            return text

        return self.parsed(name, default, parse, takes=f"a URL such as {example}")

    def parsed(
        self, name: str, default: Value, parse: Callable[[str], Value], *, takes: str
    ) -> Value:
        """`parse` raises ValueError or WrongValue. `takes`: what is right."""
        text = self._read(name)
        if text is None:
            return default
        try:
            return parse(text)
        except ValueError as error:
            reason = f": {error}" if isinstance(error, WrongValue) else ""
            self.problems.append(f"{name} is {shown(text)}; it takes {takes}{reason}")
            return default

    def require(self, *names: str, by: str) -> None:
        for name in names:
            if self._variables.env.get(name) or self._variables.env.get(f"{name}_FILE"):
                continue
            self.problems.append(f"{name} is not set; {by} needs it")

    def _read(self, name: str) -> str | None:
        self.names.add(name)
        own, file = self._variables.env.get(name), self._variables.env.get(f"{name}_FILE")
        if own and file:
            self.problems.append(f"{name} and {name}_FILE are both set; set one of them")
            return None
        try:
            text: str = self._variables.get(name, "")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            self.problems.append(f"{name}_FILE is {file!r}; that file cannot be read: {reason}")
            return None
        return text.strip() or None


def split_url(text: str, schemes: Sequence[str]) -> SplitResult:
    """Raise WrongValue.

    After an unescaped `/`, `?` or `#` in a password, the rest has an `@`.
    """
    parts = urlsplit(text)
    if parts.scheme not in schemes:
        raise WrongValue(f"known schemes are {', '.join(schemes)}")
    if parts.netloc and "@" in parts.path + parts.query + parts.fragment:
        raise WrongValue(ESCAPE)
    try:
        parts.port  # noqa: B018 - parses it
    except ValueError as error:
        raise WrongValue(f"the port is not a number; {ESCAPE}") from error
    if parts.scheme in {"http", "https"} and (not parts.hostname or parts.query or parts.fragment):
        raise WrongValue("it needs a host, and takes no query or fragment")
    return parts


def _flag(text: str) -> bool:
    if text.lower() not in TRUE | FALSE:
        raise ValueError
    return text.lower() in TRUE


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _within(value: Value, lowest: float, highest: float) -> Value:
    number = float(value)  # type: ignore[arg-type]
    if math.isnan(number) or not lowest <= number <= highest:
        raise ValueError
    return value


def shown(text: str) -> str:
    shown = CREDENTIALS.sub("//***@", text)
    return repr(shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}...")
