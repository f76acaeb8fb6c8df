from collections.abc import Sequence

from ..config import Declared

JSON_TYPE, TEXT_TYPE = "application/json", "text/plain"
TEXT_INPUT = "input"


def text_input(inputs: Sequence[Declared]) -> str | None:
    """Return the input for texts: the only required string, else the only string."""
    if not inputs:
        return TEXT_INPUT
    strings = [each for each in inputs if each.type == "string"]
    for candidates in ([each for each in strings if each.must_be_sent], strings):
        if len(candidates) == 1:
            return candidates[0].name
    return None
