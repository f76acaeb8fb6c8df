"""Searches the index of words, which migration 0013 creates."""

from abc import ABC, abstractmethod
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


class WordIndex(ABC):
    @abstractmethod
    def entries_with(self, readings: Sequence[Reading]) -> tuple[str, list[str]]:
        """Return a SELECT of the `agent_id` of entries with a word in any reading, and parameters.

        `quality`: how well the best such word says what the entry is about, from 0 to 1.
        """

    @abstractmethod
    def entries_beginning(
        self, column: str, words: Sequence[str], most: int
    ) -> tuple[str, list[str]]:
        """Return a condition, with parameters, on entries with words that begin with all `words`.

        It may hold for `most` of them only.
        """

    @abstractmethod
    def known_words(self, words: Sequence[str]) -> list[str]:
        """Return those of some hundred words that catalog entries have."""


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
