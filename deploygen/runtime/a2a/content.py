from collections.abc import Sequence

from ..config import AgentConfig, Declared

JSON_TYPE, TEXT_TYPE = "application/json", "text/plain"
TEXT_AND_JSON, JSON_AND_TEXT = [TEXT_TYPE, JSON_TYPE], [JSON_TYPE, TEXT_TYPE]
TEXT_INPUT = "input"


def text_input(inputs: Sequence[Declared]) -> str | None:
    if not inputs:
        return TEXT_INPUT
    strings = [each for each in inputs if each.type == "string"]
    for candidates in ([each for each in strings if each.must_be_sent], strings):
        if len(candidates) == 1:
            return candidates[0].name
    return None


def modes(config: AgentConfig) -> dict[str, list[str]]:
    """Return the media types of the declared inputs and outputs.

    Only an agent with a text input can use text that is not JSON.
    """
    found = {}
    if config.inputs:
        found["inputModes"] = TEXT_AND_JSON if text_input(config.inputs) else [JSON_TYPE]
    if config.outputs:
        is_text = [each.type for each in config.outputs] == ["string"]
        found["outputModes"] = TEXT_AND_JSON if is_text else JSON_AND_TEXT
    return found
