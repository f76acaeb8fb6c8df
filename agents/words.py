"""Words of a text, for the index and for searches.

Prepared here, so that the databases' own rules for letters and languages do not matter.
"""

import re
import unicodedata
from collections.abc import Iterable
from itertools import chain

BREAKS = re.compile(r"[\W_]+")
# The same for ASCII, at a third of the cost.
ASCII_BREAKS = {code: " " for code in range(128) if not chr(code).isalnum()}
# Inside a name such as "GitHub" or "parseJSON".
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def words_of(text: str) -> Iterable[str]:
    """Return the words in order, in lower case without accents.

    A name in camel case comes as a whole, then in parts.
    """
    if text.isascii():
        words = text.translate(ASCII_BREAKS).split()
    else:
        words = [word for word in BREAKS.split(_without_accents(text)) if word]
    if text.islower():
        return [word.casefold() for word in words]
    return chain.from_iterable(map(_parts, words))


def _parts(word: str) -> list[str]:
    whole = word.casefold()
    if whole[1:] == word[1:] or HUMP.search(word) is None:
        return [whole]
    return [whole, *HUMP.sub(" ", word).casefold().split()]


def join_words(texts: Iterable[str], most: int) -> str:
    """Return the different words of `texts`, separated by spaces, up to `most` characters."""
    text = " ".join(texts)
    words = " ".join(dict.fromkeys(words_of(text))) if text else ""
    return words if len(words) <= most else words[:most].rpartition(" ")[0]


def _without_accents(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text)
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", kept)
