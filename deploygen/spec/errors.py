import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from deploygen.spec.document import SURROGATE, joined
from deploygen.spec.fields import shown
from deploygen.spec.model import AgentSpec
from deploygen.spec.parts import Registry

KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "model_type": "a mapping of keys to values",
}
LIMITS = {
    "string_too_short": "it must not be empty",
    "string_unicode": "it must be text, without {surrogate!r}",
    "string_too_long": "it may have at most {max_length} characters, not {length}",
    "too_long": "there may be at most {max_length} of them, not {length}",
}
# Follows from another error.
FOLLOWING = "default_factory_not_called"


@dataclass(frozen=True)
class Problem:
    """`field`: a path such as "inputs[0].type"; `at`: the path of its line."""

    field: str
    text: str
    at: str


class SpecError(Exception):
    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(f"{each.field}: {each.text}" for each in problems))
        self.problems = problems


def make_spec(values: Any, sources: Mapping[str, str] | None = None) -> AgentSpec:
    """`sources`: see Document. Raises SpecError."""
    try:
        return AgentSpec.model_validate(values)
    except ValidationError as error:
        problems = [
            _problem(each, sources or {})
            for each in error.errors(include_url=False)
            if each["type"] != FOLLOWING
        ]
    raise SpecError(problems)  # not chained: pydantic's error repeats secrets


def _problem(error: ErrorDetails, sources: Mapping[str, str]) -> Problem:
    context = error.get("ctx", {})
    path, parent, key = "", "", ""
    for step in (*error["loc"], *context.get("at", ())):
        if step != "":
            parent, key, path = path, str(step), joined(path, step)
    if error["type"] == "extra_forbidden":
        hint = _hint(key, _model_at(error["loc"][:-1]))
        return Problem(parent, f"{shown(key)} is not known; {hint}", at=path)
    if error["type"] == "missing":
        return Problem(parent, f"it lacks {key!r}", at=parent)
    return Problem(path, _text(error, context, sources.get(path)), at=path)


def _text(error: ErrorDetails, context: Mapping[str, Any], source: str | None) -> str:
    kind, value = error["type"], error["input"]
    if value is None:
        return "it has no value: give it one, or leave the key out"
    if kind in KINDS:
        return _mistaken(value, kind, source)
    if kind in LIMITS:
        surrogate = next(filter(SURROGATE.match, map(str, value)), "")
        return LIMITS[kind].format(**context, length=len(value), surrogate=surrogate)
    if kind == "literal_error":
        expected = context["expected"].replace(" or ", ", ").replace("'", "")
        return f"it must be one of {expected}, not {shown(value)}"
    return str(context.get("problem", error["msg"]))


def _mistaken(value: Any, kind: str, source: str | None) -> str:
    must = f"it must be {KINDS[kind]}"
    if kind == "string_type" and source is not None:
        is_a = "true or false" if isinstance(value, bool) else "a number"
        return f'{must}; {source} is read as {is_a}: write "{source}" in quotes'
    if isinstance(value, dict | list):
        return f"{must}, not {KINDS['list_type' if isinstance(value, list) else 'model_type']}"
    return f"{must}, not {source or shown(value)}"


def _hint(key: str, model: type[BaseModel]) -> str:
    in_registry = key.removeprefix("registry_")
    if model is AgentSpec and in_registry in Registry.model_fields:
        return f"it is registry.{in_registry}"
    near = difflib.get_close_matches(key, model.model_fields, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(model.model_fields)}"


def _model_at(location: Sequence[str | int]) -> type[BaseModel]:
    field = AgentSpec.model_fields.get(str(location[0])) if location else None
    return (_model_in(field.annotation) if field else None) or AgentSpec


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = map(_model_in, getattr(annotation, "__args__", ()))
    return next((model for model in found if model), None)
