"""LIKE that ignores case in all scripts."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

CACHE_SIZE = 256
WILDCARDS = {"%": ".*", "_": "."}


class Text:
    def prepare_connection(self, connection: BaseDatabaseWrapper) -> None:
        for arguments in (2, 3):
            connection.connection.create_function("like", arguments, _like, deterministic=True)

    def collation_of_letters(self, _connection: BaseDatabaseWrapper) -> str | None:
        return ""


def _like(pattern: Any, text: Any, escape: str = "") -> bool | None:
    if pattern is None or text is None:
        return None
    return _matcher(str(pattern), escape)(str(text).casefold())


@lru_cache(CACHE_SIZE)
def _matcher(pattern: str, escape: str) -> Callable[[str], bool]:
    parts: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if escape and character == escape:
            parts.append(re.escape(next(characters, "").casefold()))
        else:
            parts.append(WILDCARDS.get(character) or re.escape(character.casefold()))
    matches = re.compile("".join(parts), re.DOTALL).fullmatch
    if parts[:1] == parts[-1:] == [".*"] and not {".*", "."} & set(parts[1:-1]):
        needle = re.sub(r"\\(.)", r"\1", "".join(parts[1:-1]))
        return lambda text: needle in text
    return lambda text: matches(text) is not None
