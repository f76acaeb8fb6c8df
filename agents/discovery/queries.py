"""Words of a text, and similar ones."""

from collections.abc import Iterator
from dataclasses import replace

from agents.database.dialect import dialect
from agents.database.words import Reading
from agents.words import words_of

MAX_WORDS = 16
# They say that an agent is wanted, not what it does.
COMMON_WORDS = (
    "a about agent agents all an and any are as at be but by can could do does find for from get"
    " give have help how i in into is it its like look looking me my need of on one or please"
    " server show some something somebody someone that the their them then there these this to"
    " tool tools us use using want was we what when where which who will with would you your"
    " assistant service services able could let"
    " next now today tomorrow tonight soon"
)
COMMON = frozenset(COMMON_WORDS.split())
# The longest that fits is removed: "translation", "translate" and "translator" begin alike.
ALL_ENDINGS = (
    "s es ies ied y e ed d er ers or ors ing ings ion ions ation ations ment ments al ally ly ity"
    " ive ize ise izes izing ization isation ized ised ances ance ence ences able ist ists sis"
    " tic tics"
)
ENDINGS = sorted(ALL_ENDINGS.split(), key=len, reverse=True)
SHORTEST_STEM = 4
SHORTEST_PREFIX = 3
SHORTEST_TYPO = 5
# In one text. Each takes a query with 500 words.
MAX_TYPOS = 4
# By one word with a typo.
MAX_MEANT = 4
LETTERS = "abcdefghijklmnopqrstuvwxyz"
# The word itself counts as 1.
AS_OTHER_NUMBER, AS_PREFIX, AS_TYPO = 0.9, 0.7, 0.6


def wanted_words(text: str) -> list[str]:
    """Return the words that matter; if none do, all."""
    words = list(dict.fromkeys(words_of(text)))
    return ([word for word in words if word not in COMMON] or words)[:MAX_WORDS]


def readings_of(word: str) -> list[Reading]:
    """Return the word, its plural or singular, and what its other forms begin with."""
    readings = [
        Reading([word], is_prefix=False, quality=1.0),
        Reading(_other_numbers(word), is_prefix=False, quality=AS_OTHER_NUMBER),
    ]
    stem = _stem(word)
    if len(stem) >= SHORTEST_PREFIX:
        readings.append(Reading([stem], is_prefix=True, quality=AS_PREFIX))
    return readings


def without_typo(word: str) -> list[Reading]:
    """Return words that differ in one letter from one that no agent has."""
    if len(word) < SHORTEST_TYPO or not word.isalpha():
        return []
    known = dialect.known_words(_one_letter_off(word))
    return [
        replace(reading, quality=reading.quality * AS_TYPO)
        for meant in sorted(known)[:MAX_MEANT]
        for reading in readings_of(meant)
    ]


def _other_numbers(word: str) -> list[str]:
    others = [f"{word}s", f"{word}es"]
    if word.endswith("y"):
        others.append(f"{word[:-1]}ies")
    if word.endswith("s") and len(word) > SHORTEST_PREFIX:
        others.append(word[:-1])
    if word.endswith("es") and len(word) > SHORTEST_PREFIX + 1:
        others.append(word[:-2])
    if word.endswith("ies") and len(word) > SHORTEST_PREFIX + 1:
        others.append(f"{word[:-3]}y")
    return others


def _stem(word: str) -> str:
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            return word[: -len(ending)]
    return word


def _one_letter_off(word: str) -> list[str]:
    """Return words with a letter less, more, different or exchanged, but not the first."""
    return list(dict.fromkeys(_edits(word)))


def _edits(word: str) -> Iterator[str]:
    for place in range(1, len(word) + 1):
        before, after = word[:place], word[place:]
        yield from (f"{before}{letter}{after}" for letter in LETTERS)
        if after:
            yield before + after[1:]
            yield from (f"{before}{letter}{after[1:]}" for letter in LETTERS)
        if len(after) > 1:
            yield f"{before}{after[1]}{after[0]}{after[2:]}"
