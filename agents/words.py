"""Words of a text, for the index and for searches.

Prepared here, so that the databases' own rules for letters and languages do not matter.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

BREAKS = re.compile(r"[\W_]+")
# Inside a name such as "GitHub" or "parseJSON".
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def words_of(text: str) -> Iterator[str]:
    """Yield the words in order, in lower case without accents.

    A name in camel case comes as a whole, then in parts.
    """
    if not text.isascii():
        text = _without_accents(text)
    for word in BREAKS.split(text):
        if word.islower():
            yield word.casefold()
        elif word:
            yield word.casefold()
            if HUMP.search(word):
                yield from HUMP.sub(" ", word).casefold().split()


def join_words(texts: Iterable[str], most: int) -> str:
    """Return the different words of `texts`, separated by spaces, up to `most` characters."""
    text = " ".join(texts)
    words = " ".join(dict.fromkeys(words_of(text))) if text else ""
    return words if len(words) <= most else words[:most].rpartition(" ")[0]


def _without_accents(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text)
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", kept)
