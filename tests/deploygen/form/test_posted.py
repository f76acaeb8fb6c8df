"""What the form of a spec posts becomes a spec's values."""

from typing import Any

import pytest

from deploygen.form.fields import form, initial, with_another, without
from deploygen.form.posted import Reading, read
from deploygen.form.shapes import Kind, Shape, shapes
from deploygen.spec.errors import SpecError, make_spec
from deploygen.spec.model import AgentSpec


def posted(**fields: str) -> dict[str, list[str]]:
    return initial("weather") | {name: [value] for name, value in fields.items()}


def reading(entered: dict[str, str]) -> Reading:
    return read({**initial("weather"), **{name: [text] for name, text in entered.items()}})


def problems(entered: dict[str, str]) -> dict[str, list[str]]:
    found = reading(entered)
    with pytest.raises(SpecError) as caught:
        make_spec(found.values)
    return found.by_field(caught.value.problems)


def shape(key: str) -> Shape:
    return next(each for each in shapes() if each.key == key)


def test_every_key_of_a_spec_has_a_field_with_its_description() -> None:
    assert [each.key for each in shapes()] == list(AgentSpec.model_fields)
    shown = form(initial("weather"), {})
    assert {each.shape.key for each in [*shown.common, *shown.more]} == set(AgentSpec.model_fields)
    assert shape("port").help == AgentSpec.model_fields["port"].description
    assert (shape("port").default, shape("port").is_whole) == ("8000", True)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("name", Kind.TEXT),
        ("description", Kind.LONG_TEXT),
        ("port", Kind.NUMBER),
        ("traces", Kind.FLAG),
        ("tags", Kind.LINES),
        ("inputs", Kind.ITEMS),
        ("environment", Kind.ITEMS),
        ("registry", Kind.SECTION),
    ],
)
def test_the_kind_of_a_field_follows_its_schema(key: str, kind: Kind) -> None:
    assert shape(key).kind is kind


def test_what_is_not_entered_is_left_to_the_defaults() -> None:
    assert reading({}).values == {"name": "weather"}
    assert make_spec(reading({}).values) == make_spec({"name": "weather"})


def test_each_kind_of_field_is_read() -> None:
    values = reading(
        {
            "description": "Says\r\nhow it is.",
            "port": "9000",
            "sync_timeout": "2.5",
            "traces": "on",
            "tags": "eu\r\n\r\n beta ",
            "inputs[0].name": "city",
            "inputs[0].type": "string",
            "inputs[0].default": '"5"',
            "inputs[3].name": "days",
            "inputs[3].type": "integer",
            "inputs[3].required": "false",
            "inputs[3].default": "3",
            "inputs[7].name": "",
            "registry.ttl_seconds": "30",
        }
    ).values

    assert values == {
        "name": "weather",
        "description": "Says\nhow it is.",
        "port": 9000,
        "sync_timeout": 2.5,
        "traces": True,
        "tags": ["eu", "beta"],
        "inputs": [
            {"name": "city", "type": "string", "default": "5"},
            {"name": "days", "type": "integer", "required": False, "default": 3},
        ],
        "registry": {"ttl_seconds": 30},
    }
    assert make_spec(values).inputs[1].default == 3


def test_flags_that_are_switched_off_and_no_registry() -> None:
    values = read({"name": ["weather"]}).values

    assert (values["slim"], values["a2a_0_3"], values["registry"]) == (False, False, False)
    assert "traces" not in values


@pytest.mark.parametrize(
    ("entered", "field", "message"),
    [
        ({"name": "Weather"}, "name", "it must be the name of an image"),
        ({"name": ""}, "name", "it must not be empty"),
        ({"port": "x"}, "port", "it must be a whole number, not 'x'"),
        ({"port": "9" * 5000}, "port", "it must be a whole number"),
        ({"sync_timeout": "nan"}, "sync_timeout", "it must be a number"),
        ({"tags": "eu\n\nbeta\neu"}, "tags", "line 4: 'eu' is in the list already"),
        ({"inputs[4].name": "city"}, "inputs[4].type", "it must be one of string"),
        (
            {"inputs[4].name": "n", "inputs[4].type": "integer", "inputs[4].default": "x"},
            "inputs[4].default",
            "it must be an integer",
        ),
        ({"environment[2].description": "x"}, "environment[2].name", "it must not be empty"),
        ({"registry.url": "ftp://x"}, "registry.url", "it must be http:// or https://"),
        ({"registry.heartbeat_interval": "50"}, "registry.heartbeat_interval", "half of the TTL"),
        ({"name": "register"}, "name", "cannot be an agent's id"),
    ],
)
def test_a_message_of_the_spec_is_shown_at_its_field(
    entered: dict[str, str], field: str, message: str
) -> None:
    found = problems(entered)

    assert list(found) == [field]
    assert message in found[field][0]


def test_more_items_than_a_spec_takes_are_refused() -> None:
    entered = {f"environment[{number}].name": f"V{number}" for number in range(3000)}

    assert "at most 64" in problems(entered)["environment"][0]


@pytest.mark.parametrize("text", ["NaN", "1e999", r'"\ud800"', "[" * 100_000, '{"a":', "two words"])
def test_what_is_not_json_is_text(text: str) -> None:
    values = reading({"inputs[0].name": "n", "inputs[0].default": text}).values

    assert values["inputs"][0]["default"] == text


def test_items_are_added_and_removed_without_javascript() -> None:
    entered: Any = with_another(with_another(posted(), "inputs"), "inputs")
    shown = {each.name: each for each in form(entered, {}).common}
    assert [item.name for item in shown["inputs"].items] == ["inputs[0]", "inputs[1]"]

    left = without({**entered, "inputs[1].name": ["city"]}, "inputs[0]")
    shown = {each.name: each for each in form(left, {}).common}
    assert [item.fields[0].value for item in shown["inputs"].items] == ["city"]
    assert with_another(left, "no such list") == left


def test_problems_are_shown_where_they_are() -> None:
    found = {"inputs[0].type": ["a"], "requirements": ["b"], "": ["c"], "inputs[0]": ["d"]}
    shown = form(posted(**{"inputs[0].name": "n"}), found)

    [item] = next(each for each in shown.common if each.name == "inputs").items
    assert item.problems == ["d"]
    assert [each.problems for each in item.fields if each.name == "inputs[0].type"] == [["a"]]
    assert shown.problems == ["c"]


@pytest.mark.parametrize(
    ("entered", "is_open"),
    [({}, False), ({"traces": "on"}, True), ({"slim": ""}, True), ({"skills[0].id": ""}, True)],
)
def test_other_keys_are_shown_once_something_is_entered(
    entered: dict[str, str], *, is_open: bool
) -> None:
    assert form(posted(**entered), {}).opens_more is is_open
    assert form(posted(), {"requirements": ["wrong"]}).opens_more
