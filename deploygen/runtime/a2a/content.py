"""Which content the agent takes and gives: JSON, and text where that is clear."""

from collections.abc import Sequence

from ..config import Declared

JSON_TYPE, TEXT_TYPE = "application/json", "text/plain"
# The input that a text becomes where no inputs are declared.
TEXT_INPUT = "input"


def text_input(inputs: Sequence[Declared]) -> str | None:
    """Return the name of the input that a plain text becomes, None when that is not clear.

    It is the only required input of type string, else the only one of type string.
    """
    if not inputs:
        return TEXT_INPUT
    strings = [each for each in inputs if each.type == "string"]
    for candidates in ([each for each in strings if each.must_be_sent], strings):
        if len(candidates) == 1:
            return candidates[0].name
    return None
