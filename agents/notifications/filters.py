"""The filter of a rule: parameters of the API's list, as in a URL."""

from urllib.parse import parse_qsl

from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from agents.discovery.filters import BY_NAME, Filters
from agents.discovery.metadata import PREFIX
from agents.discovery.parameters import is_metadata_filter, read_filters
from agents.discovery.watch.view import UNWATCHABLE

MAX_PARAMETERS = 100
CHANGES = "Agents report it with heartbeats, which are no events."


class InvalidFilter(ValueError):
    """The message is for people."""


def parse_filter(text: str) -> Filters:
    """Raise InvalidFilter."""
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=MAX_PARAMETERS
        )
    except ValueError as error:
        raise InvalidFilter("It is written as in a URL: tag=gpu&name=painter") from error
    names = {name for name, _ in pairs}
    if unknown := sorted(n for n in names if n not in BY_NAME and not is_metadata_filter(n)):
        known = sorted({*BY_NAME, f"{PREFIX}KEY"} - set(UNWATCHABLE))
        raise InvalidFilter(
            f"There is no parameter “{unknown[0][:80]}”. Known are: {', '.join(known)}."
        )
    if reported := [name for name in UNWATCHABLE if name in names]:
        raise InvalidFilter(f"Rules cannot filter by {reported[0]}. {CHANGES}")
    if any("\0" in value for pair in pairs for value in pair):
        raise InvalidFilter("It cannot have a NUL character.")
    try:
        return read_filters(QueryDict(text))
    except ValidationError as error:
        raise InvalidFilter(_first(error)) from error


def _first(error: ValidationError) -> str:
    detail = error.detail
    name, problems = next(iter(detail.items())) if isinstance(detail, dict) else ("", detail)
    return f"{name}: {' '.join(map(str, problems))}"
