import re
import unicodedata
from collections.abc import Callable
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetPydanticSchema
from pydantic import GetCoreSchemaHandler as CoreHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

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
    """`at` leads to the wrong part of the value."""
    return PydanticCustomError("spec", "{problem}", {"problem": problem, "at": at})


def shown(value: object) -> str:
    return repr(value)[:LONGEST_SHOWN]


def _rule(check: Callable[[Any], Any], schema: dict[str, Any]) -> GetPydanticSchema:
    """`schema`: what `check` validates, as JSON schema."""
    return GetPydanticSchema(
        lambda source, handler: core_schema.no_info_after_validator_function(
            check, handler(source)
        ),
        lambda core, handler: handler(core) | schema,
    )


def matching(
    pattern: str, what: str, hint: Callable[[str], str] = lambda _: ""
) -> GetPydanticSchema:
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not text:
            raise wrong("it must not be empty")
        if not compiled.fullmatch(text):
            raise wrong(f"it must be {what}, not {shown(text)}{hint(text)}")
        return text

    # JSON schema does not anchor patterns. Editors show the message.
    return _rule(check, {"pattern": f"^(?:{pattern})$", "patternErrorMessage": what})


def between(low: float, high: float, unit: str = "", *, because: str = "") -> GetPydanticSchema:
    what = f"{low:g} to {high} {unit}".rstrip()
    reason = f" ({because})" if because else ""

    def check(number: float) -> float:
        if not low <= number <= high:
            raise wrong(f"it must be {what}{reason}, not {shown(number)}")
        return number

    return _rule(check, {"minimum": low, "maximum": high})


def unique(key: str = "") -> GetPydanticSchema:
    """For a list with unique items, or a unique `key`."""

    def check(items: list[Any]) -> list[Any]:
        names = [getattr(item, key) if key else item for item in items]
        for index, name in enumerate(names):
            if name in names[:index]:
                at = (index, key) if key else (index,)
                raise wrong(f"{name!r} is in the list already", *at)
        return items

    return _rule(check, {} if key else {"uniqueItems": True})


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


LISTED = Field(max_length=MOST_LISTED)
Description = Annotated[str, Field(max_length=LONGEST_DESCRIPTION), AfterValidator(_lines)]
Lines = Annotated[str, Field(max_length=LONGEST_VALUE), AfterValidator(_lines)]
Line = Annotated[str, Field(max_length=LONGEST_VALUE), AfterValidator(plain_text)]
Label = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_LISTED),
    AfterValidator(plain_text),
    AfterValidator(_trimmed),
]
Labels = Annotated[list[Label], LISTED, unique()]
