import json
import logging
from typing import Any

from .contract import Contract, ContractBroken
from .encoding import NotJson, encode, is_object
from .failures import HandlerFailed, logged_failure
from .pieces import Piece
from .results import check_outputs

logger = logging.getLogger("agent.handler")

VARIABLE = "AGENT_MAX_RESULT_BYTES"
TEXT_OUTPUT = "output"


class Results:
    """Errors are HandlerFailed, and logged. `name`: the function's."""

    def __init__(self, name: str, outputs: Contract | None, max_bytes: int) -> None:
        self._name = name
        self._outputs = outputs
        self._max_bytes = max_bytes
        self._text_output = _text_output(outputs)
        self._declares_text = bool(outputs and outputs.declared and self._text_output)

    def result(self, result: Any) -> bytes:
        if not is_object(result):
            raise self._misuse(f"must return a dict, not {type(result).__name__}")
        plain, text = self._encoded("the result", result)
        if not isinstance(plain, dict):  # a RootModel may be a list
            raise self._misuse(f"must return a dict, not {type(plain).__name__}")
        try:
            check_outputs(plain, self._outputs)
        except ContractBroken as error:
            logger.error("%s broke its contract: %s", self._name, error)  # noqa: TRY400 - no traceback
            problem = f"the result of {self._name} is not as declared: {error}"
            raise HandlerFailed(problem) from error
        self._check_size(len(text))
        return text

    def piece(self, value: Any, size_before: int) -> Piece:
        """`size_before`: bytes of earlier pieces."""
        if not (isinstance(value, str) or is_object(value)):
            raise self._misuse(f"must yield texts and dicts, not {type(value).__name__}")
        _, text = self._encoded("a piece", value)
        piece = Piece(text, value if isinstance(value, str) else None)
        self._check_size(size_before + len(piece.json))
        return piece

    def whole(self, text: str, last: Piece | None, returned: Any = None) -> bytes:
        result = returned
        if result is None and last is not None and last.text is None:
            result = json.loads(last.json)
        if result is None:
            if self._text_output is None:
                raise self._misuse(
                    "must yield its result, a dict, at the end: the outputs have no place for "
                    "texts, which is a single string"
                )
            result = {self._text_output: text}
        elif text and self._declares_text and is_object(result):
            result = {self._text_output: text, **dict(self._encoded("the result", result)[0])}
        return self.result(result)

    def _encoded(self, what: str, value: Any) -> tuple[Any, bytes]:
        try:
            return encode(value)
        except Exception as error:
            reason = f": {error}" if isinstance(error, NotJson) else ""
            what = f"{what} of {self._name} is not JSON{reason}"
            raise logged_failure(self._name, what, error) from error

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            raise self._misuse(f"gives more than {self._max_bytes} bytes ({VARIABLE})")

    def _misuse(self, problem: str) -> HandlerFailed:
        logger.error("%s %s", self._name, problem)
        return HandlerFailed(f"{self._name} {problem}")


def _text_output(outputs: Contract | None) -> str | None:
    if outputs is None or not outputs.declared:
        return TEXT_OUTPUT
    strings = [each.name for each in outputs.declared if each.type == "string"]
    return strings[0] if len(strings) == 1 else None
