"""Kinds of fields of a spec: validation and JSON schema."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetPydanticSchema
from pydantic import GetCoreSchemaHandler as CoreHandler
from pydantic import GetJsonSchemaHandler as JsonHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

# The registry's limits for tags and skills.
MOST_LISTED = 64
LONGEST_LISTED = 64
LONGEST_DESCRIPTION = 500
LONGEST_VALUE = 2000
LONGEST_SHOWN = 60


class Part(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


def wrong(problem: str, *at: str | int) -> PydanticCustomError:
    """`at` leads from the validator's value to the wrong part."""
    return PydanticCustomError("spec", "{problem}", {"problem": problem, "at": at})


@dataclass(frozen=True, eq=False)
class Must:
    """Annotates a field with a rule: `what` for people, `schema` for JSON schema.

    `hint` returns what may have been meant, to be added to the message.
    """

    what: str
    holds: Callable[[Any], bool]
    schema: dict[str, Any]
    because: str = ""
    hint: Callable[[Any], str] = lambda _: ""

    def __get_pydantic_core_schema__(self, source: Any, handler: CoreHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: JsonHandler
    ) -> dict[str, Any]:
        return handler(schema) | self.schema

    def _check(self, value: Any) -> Any:
        if value == "":
            raise wrong("it must not be empty")
        if not self.holds(value):
            reason = f" ({self.because})" if self.because else ""
            hint = self.hint(value)
            raise wrong(f"it must be {self.what}{reason}, not {shown(value)}{hint}")
        return value


def shown(value: object) -> str:
    return repr(value)[:LONGEST_SHOWN]


def matching(pattern: str, what: str, hint: Callable[[str], str] = lambda _: "") -> Must:
    compiled = re.compile(pattern)
    # JSON schema does not anchor patterns. Editors show the message.
    schema = {"pattern": f"^(?:{pattern})$", "patternErrorMessage": what}
    return Must(what, lambda text: compiled.fullmatch(text) is not None, schema, hint=hint)


def between(low: float, high: float, unit: str = "", *, because: str = "") -> Must:
    schema = {"minimum": low, "maximum": high}
    what = f"{low:g} to {high} {unit}".rstrip()
    return Must(what, lambda number: low <= number <= high, schema, because)


def _not_null(source: Any, handler: CoreHandler) -> CoreSchema:
    return handler(get_args(source)[0])


# For `X | None`: None is the default, but cannot be given.
UNLESS_GIVEN = GetPydanticSchema(_not_null)


def plain_text(text: str, *, line_ends: bool = False) -> str:
    """Refuse control characters and lone surrogates."""
    for character in text:
        allowed = line_ends and character in "\n\r\t"
        if unicodedata.category(character) in ("Cc", "Cs") and not allowed:
            raise wrong(f"it must be text, without {character!r}")
    return text


def _lines(text: str) -> str:
    return plain_text(text, line_ends=True)


def _trimmed(text: str) -> str:
    if not text or text != text.strip():
        raise wrong(f"it must not be empty, nor begin or end with blanks: {text!r}")
    return text


@dataclass(frozen=True)
class Unique:
    """Annotates a list whose items, or their `key`, must be unique."""

    key: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: CoreHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: JsonHandler
    ) -> dict[str, Any]:
        return handler(schema) | ({} if self.key else {"uniqueItems": True})

    def _check(self, items: list[Any]) -> list[Any]:
        names = [getattr(item, self.key) if self.key else item for item in items]
        for index, name in enumerate(names):
            if name in names[:index]:
                at = (index, self.key) if self.key else (index,)
                raise wrong(f"{name!r} is in the list already", *at)
        return items


LISTED = Field(max_length=MOST_LISTED)
Description = Annotated[str, Field(max_length=LONGEST_DESCRIPTION), AfterValidator(_lines)]
Line = Annotated[str, Field(max_length=LONGEST_VALUE), AfterValidator(plain_text)]
Label = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_LISTED),
    AfterValidator(plain_text),
    AfterValidator(_trimmed),
]
Labels = Annotated[list[Label], LISTED, Unique()]
