from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model

from ..config import Declared

MOST_ERRORS = 20
NO_SUCH_FIELD = "There is no such field"
DESCRIBED = {"type", "description", "default"}


class ContractBroken(Exception):
    def __init__(self, errors: list[dict[str, Any]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{_place(error['loc'])}{error['msg']}" for error in errors))


@dataclass(frozen=True)
class Contract:
    """Without declarations, any JSON object is valid."""

    declared: tuple[Declared, ...]
    model: type[BaseModel] | None
    schema: dict[str, Any]

    def read(self, value: Any) -> dict[str, Any]:
        """Add defaults. Raises ContractBroken."""
        if not isinstance(value, dict):
            raise ContractBroken(
                [{"loc": [], "msg": "This must be a JSON object", "type": "dict_type"}]
            )
        if self.model is None:
            return value
        names = {each.name for each in self.declared}
        # The model would make 100,000 errors.
        unknown = list(islice((name for name in value if name not in names), MOST_ERRORS))
        errors = [{"loc": [name], "msg": NO_SUCH_FIELD, "type": "extra"} for name in unknown]
        try:
            read = self.model.model_validate({k: v for k, v in value.items() if k in names})
        except ValidationError as error:
            # Not chained: its text repeats values.
            raise ContractBroken((_errors(error) + errors)[:MOST_ERRORS]) from None
        if errors:
            raise ContractBroken(errors)
        return {
            each.name: getattr(read, _attribute(number))
            for number, each in enumerate(self.declared)
            if each.default is not None or _attribute(number) in read.model_fields_set
        }


def make_contract(declared: Sequence[Declared]) -> Contract:
    """Raises ValueError for a wrong default."""
    declared = tuple(declared)
    contract = Contract(declared, _model(declared) if declared else None, _schema(declared))
    defaults = {each.name: each.default for each in declared if each.default is not None}
    try:
        contract.read(defaults)
    except ContractBroken as error:
        wrong = [each for each in error.errors if each["type"] != "missing"]
        if wrong:
            raise ValueError(f"the default of {ContractBroken(wrong)}") from error
    return contract


def _whole(value: Any) -> Any:
    # 5.0 is an integer in JSON Schema.
    return int(value) if isinstance(value, float) and value.is_integer() else value


TYPES: dict[str, Any] = {
    "string": str,
    "integer": Annotated[int, BeforeValidator(_whole)],
    "number": float,
    "boolean": bool,
    "array": list[Any],
    "object": dict[str, Any],
}


def _model(declared: tuple[Declared, ...]) -> type[BaseModel]:
    # Numbered: a declared name may be a method's.
    fields: dict[str, Any] = {
        _attribute(number): (
            TYPES[each.type],
            Field(... if each.must_be_sent else each.default, alias=each.name),
        )
        for number, each in enumerate(declared)
    }
    strict = ConfigDict(strict=True, allow_inf_nan=False, hide_input_in_errors=True)
    return create_model("Inputs", __config__=strict, **fields)


def _attribute(number: int) -> str:
    return f"field_{number}"


def _schema(declared: tuple[Declared, ...]) -> dict[str, Any]:
    if not declared:
        return {"type": "object"}
    return {
        "type": "object",
        "properties": {
            each.name: each.model_dump(include=DESCRIBED, exclude_defaults=True)
            for each in declared
        },
        "required": [each.name for each in declared if each.must_be_sent],
        "additionalProperties": False,
    }


def _errors(error: ValidationError) -> list[dict[str, Any]]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [{"loc": list(each["loc"]), "msg": each["msg"], "type": each["type"]} for each in found]


def _place(location: list[Any]) -> str:
    return f"{'.'.join(map(str, location))}: " if location else ""
