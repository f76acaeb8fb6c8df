"""Searches the index of words, which migration 0013 creates."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

# How much a word counts in each place, with PostgreSQL's weights.
PLACES = {"name_words": ("A", 1.0), "skill_words": ("B", 0.9), "about_words": ("C", 0.6)} | {
    "more_words": ("D", 0.4)
}
TABLE = "agents_catalogentry"


@dataclass(frozen=True)
class Reading:
    """Words of which one is enough, or beginnings of words.

    `quality`: 1 for the word itself. Words are as `agents.words` gives them: they need no quotes.
    """

    words: Sequence[str]
    is_prefix: bool
    quality: float


class Match(NamedTuple):
    """A reading in a place, where it has some `quality`."""

    quality: float
    reading: Reading
    column: str
    weight: str


def matches(readings: Sequence[Reading]) -> Iterator[Match]:
    for reading in readings:
        for column, (weight, share) in PLACES.items():
            yield Match(reading.quality * share, reading, column, weight)
