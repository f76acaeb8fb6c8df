import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LINE = re.compile(r"([^\r\n]*)(?:\r\n|\n|\r(?=.))", re.DOTALL)
BOOKMARK = "BOOKMARK"
LONGEST_MESSAGE = 16 * 1024 * 1024  # characters


class NotAMessage(ValueError):
    pass


@dataclass(frozen=True)
class Message:
    """`content`: its JSON object."""

    cursor: str
    kind: str
    content: dict[str, Any]


class Decoder:
    """Takes bytes as they arrive, and returns the messages that are complete."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """Raise NotAMessage."""
        text = self._rest + self._decode(chunk)
        end = 0
        for line in LINE.finditer(text):
            end = line.end()
            name, _, value = line[1].partition(":")
            if name == "data":
                self._data.append(value.removeprefix(" "))
            elif not line[1] and self._data:
                data, self._data = "\n".join(self._data), []
                yield _message(data)
        self._rest = text[end:]
        if len(self._rest) + sum(map(len, self._data)) > LONGEST_MESSAGE:
            raise NotAMessage("an endless message")


def _message(data: str) -> Message:
    try:
        content = json.loads(data)
        return Message(str(content["cursor"]), str(content["type"]), content)
    except (ValueError, KeyError, TypeError) as error:
        raise NotAMessage(f"not a message of a watch: {error}") from error
