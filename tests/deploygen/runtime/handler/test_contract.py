import json
import math
import timeit
from typing import Any, get_args

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploygen.runtime.config import Declared, JsonType
from deploygen.runtime.handler.contract import MOST_ERRORS, Contract, ContractBroken, make_contract

TYPES: tuple[JsonType, ...] = get_args(JsonType)
ADD = make_contract(
    [
        Declared(name="a", type="integer"),
        Declared(name="b", type="integer", required=False, default=2),
        Declared(name="note", type="string", required=False),
    ]
)
ONE_OF_EACH = make_contract([Declared(name=each, type=each, required=False) for each in TYPES])


def errors_of(contract: Contract, value: Any) -> dict[str, str]:
    with pytest.raises(ContractBroken) as broken:
        contract.read(value)
    return {".".join(map(str, each["loc"])): each["msg"] for each in broken.value.errors}


def test_defaults_are_added_and_optional_fields_are_not() -> None:
    assert ADD.read({"a": 1}) == {"a": 1, "b": 2}
    assert ADD.read({"a": 1, "b": 3, "note": ""}) == {"a": 1, "b": 3, "note": ""}


def test_every_wrong_field_is_named() -> None:
    errors = errors_of(ADD, {"b": "5", "c": 1})
    assert errors == {
        "a": "Field required",
        "b": "Input should be a valid integer",
        "c": "There is no such field",
    }


WRONG: dict[JsonType, tuple[Any, ...]] = {
    "integer": ("5", True, 5.5, None, [5], math.inf),
    "number": ("5", True, None, math.inf, math.nan),
    "string": (5, None, True, ["a"]),
    "boolean": (1, 0, "true", None),
    "array": ("ab", {}, None, (1, 2)),
    "object": ([], "{}", None),
}


@pytest.mark.parametrize(
    ("kind", "value"), [(kind, value) for kind, values in WRONG.items() for value in values]
)
def test_no_value_is_coerced_to_another_type(kind: JsonType, value: Any) -> None:
    assert list(errors_of(ONE_OF_EACH, {kind: value})) == [kind]


def test_a_float_with_a_whole_value_is_read_as_an_integer() -> None:
    read = ADD.read({"a": 5.0})
    assert isinstance(read["a"], int)
    assert read["a"] == 5


def test_without_declared_inputs_any_object_is_accepted() -> None:
    anything = make_contract([])
    assert anything.read({"a": [None]}) == {"a": [None]}
    assert errors_of(anything, []) == {"": "This must be a JSON object"}


@pytest.mark.parametrize(
    "name",
    ["model_config", "schema", "__init__", "copy", "class", "field_0", "_a", "a b", "é", "$"],
)
def test_an_input_may_have_any_name(name: str) -> None:
    contract = make_contract(
        [Declared(name=name, type="integer"), Declared(name="other", type="string")]
    )
    assert contract.read({name: 1, "other": "x"}) == {name: 1, "other": "x"}
    assert name in errors_of(contract, {name: "1", "other": "x"})
    assert "field_1" in errors_of(contract, {name: 1, "field_1": "x"})


def test_each_call_gets_its_own_copy_of_a_default() -> None:
    contract = make_contract([Declared(name="seen", type="array", required=False, default=[])])
    contract.read({})["seen"].append(1)
    assert contract.read({}) == {"seen": []}


def test_a_default_of_the_wrong_type_is_refused() -> None:
    wrong = Declared(name="n", type="integer", required=False, default="5")
    with pytest.raises(ValueError, match="the default of n: Input should be a valid integer"):
        make_contract([wrong, Declared(name="m", type="integer")])


def test_the_number_of_reported_errors_is_limited() -> None:
    assert len(errors_of(ADD, {f"x{number}": 1 for number in range(1000)})) == MOST_ERRORS


def test_unknown_fields_are_reported_after_wrong_ones_up_to_the_limit() -> None:
    errors = errors_of(ADD, {"a": 1, "b": "x", **dict.fromkeys(map(str, range(1000)))})
    assert list(errors) == ["b", *map(str, range(MOST_ERRORS - 1))]


def test_a_hundred_thousand_unknown_fields_are_refused_quickly() -> None:
    unknown = dict.fromkeys(map(str, range(100_000)), 1)
    iterated = min(timeit.repeat(lambda: [name for name in unknown if name], number=3, repeat=5))
    read = min(timeit.repeat(lambda: errors_of(ADD, unknown), number=3, repeat=5))
    assert read < 20 * iterated  # usually 2; 150 if an error is created for each


def test_errors_do_not_contain_the_values_sent() -> None:
    with pytest.raises(ContractBroken) as broken:
        ADD.read({"a": "a password"})
    assert "password" not in f"{broken.value}{broken.value.errors}{broken.value.__cause__}"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([*TYPES, "unknown"]), json_values))
def test_the_schema_accepts_what_the_model_accepts(value: dict[str, Any]) -> None:
    sent = json.loads(json.dumps(value))
    try:
        ONE_OF_EACH.read(sent)
        taken = True
    except ContractBroken:
        taken = False
    validator = jsonschema.Draft202012Validator(ONE_OF_EACH.schema)
    assert taken == validator.is_valid(sent)


def test_the_schema_contains_all_declarations() -> None:
    contract = make_contract(
        [
            Declared(name="a", type="integer", description="the first"),
            Declared(name="b", type="array", required=False, default=[1]),
        ]
    )
    assert contract.schema == {
        "type": "object",
        "properties": {
            "a": {"type": "integer", "description": "the first"},
            "b": {"type": "array", "default": [1]},
        },
        "required": ["a"],
        "additionalProperties": False,
    }
