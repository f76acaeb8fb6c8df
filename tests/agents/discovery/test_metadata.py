"""``meta.KEY=VALUE`` finds what a reader of the JSON would find."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from rest_framework.test import APIClient

from tests.agents.discovery.listing import listed
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


def found(api: APIClient, key: str, value: str) -> bool:
    answer = api.get(f"/agents?meta.{quote(key, safe='')}={quote(value, safe='')}")
    assert answer.status_code == 200, answer.content
    return bool(answer.json())


@pytest.mark.parametrize(
    ("metadata", "key", "matching", "others"),
    [
        ({"region": "eu"}, "region", ["eu"], ["EU", "e", "eu ", '"eu"', "null"]),
        ({"n": 1}, "n", ["1", "1.0", "1e0"], ["2", "01", "true", "+1"]),
        ({"n": 1.5}, "n", ["1.5", "15e-1"], ["1", "1.50001"]),
        ({"n": 0.1}, "n", ["0.1", "0.10"], ["0.1000001"]),
        ({"n": 2**62 + 1}, "n", [str(2**62 + 1)], [str(2**62)]),
        ({"n": -0.5}, "n", ["-0.5"], ["0.5"]),
        ({"n": 1e22}, "n", ["1e22"], ["1e21"]),
        ({"n": "1"}, "n", ["1"], ["1.0"]),
        ({"b": True}, "b", ["true"], ["True", "1", "false"]),
        ({"b": False}, "b", ["false"], ["0", ""[:0] or "no"]),
        ({"b": "true"}, "b", ["true"], ["false"]),
        ({"x": None}, "x", [], ["null", "None", "0"]),
        ({"x": ["a"]}, "x", [], ["a", '["a"]', "0"]),
        ({"x": {"y": 1}}, "x", [], ["1", '{"y": 1}', '{"y":1}']),
        ({"gpu": {"count": 2}}, "gpu.count", ["2"], ["1"]),
        ({"gpu.count": 2}, "gpu.count", ["2"], ["1"]),
        ({"a": {"b.c": 1}}, "a.b.c", [], ["1"]),
        ({"a": {"b": {"c": "x"}}}, "a.b.c", ["x"], ["y"]),
        ({"a": [{"b": 1}]}, "a.b", [], ["1"]),
        ({"a": ["x"]}, "a.0", [], ["x"]),
        ({"0": "x"}, "0", ["x"], ["y"]),
        ({"ü": "☂"}, "ü", ["☂"], ["u"]),
        ({'"': "a'b"}, '"', ["a'b"], ["a"]),
        ({"$": 1, "%s": 2, "a b": 3}, "%s", ["2"], ["1"]),
        ({"": 1, "a": {"": 2}}, "a.", ["2"], ["1"]),
        ({"k": "back\\slash\n"}, "k", ["back\\slash\n"], ["back"]),
        ({"K": 1}, "k", [], ["1"]),
        ({}, "k", [], ["", "null"][1:]),
    ],
)
def test_a_value_is_compared_as_a_string_a_number_or_a_boolean(
    api: APIClient, metadata: Any, key: str, matching: list[str], others: list[str]
) -> None:
    AgentFactory.create(metadata=metadata)

    assert [value for value in matching if not found(api, key, value)] == []
    assert [value for value in others if found(api, key, value)] == []


# Few of each, so that they meet; letters that JSON or SQL could mistake.
KEYS = st.sampled_from(["a", "b", "a.b", '"', "\\", "é", "1"])
SCALARS = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        1,
        -1,
        1.5,
        0.1,
        2**53,
        2**53 + 1,
        "",
        "1",
        "a",
        "true",
        "null",
        "é",
        "☂",
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=4,
)


def expected(metadata: Any, key: str, text: str) -> bool:
    """Return whether one of the members that `key` can mean is written like `text`."""
    members = [metadata.get(key)]
    at: Any = metadata
    for part in key.split("."):
        at = at.get(part) if isinstance(at, dict) else None
    members.append(at)
    return any(
        member == text
        if isinstance(member, str)
        else json.dumps(member) == text
        if isinstance(member, bool)
        else isinstance(member, int | float) and _number(text) == member
        for member in members
    )


def _number(text: str) -> int | float | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if type(value) in {int, float} else None


class TestAnyMetadata(TestCase):
    @settings(max_examples=100)
    @given(
        st.dictionaries(KEYS, VALUES, max_size=3),
        st.sampled_from(["a", "b", "a.b", "b.a", "a.1", "1", '"', "\\", "é", "a.b.a"]),
        SCALARS.map(lambda value: value if isinstance(value, str) else json.dumps(value)).filter(
            bool
        ),
    )
    def test_an_agent_is_found_if_its_metadata_has_the_value(
        self, metadata: dict[str, Any], key: str, text: str
    ) -> None:
        AgentFactory.create(agent_id="a", metadata=metadata)

        assert found(APIClient(), key, text) == expected(metadata, key, text)


def test_many_keys_must_all_match(api: APIClient) -> None:
    AgentFactory.create(agent_id="a", metadata={"x": 1, "y": {"z": "w"}})
    AgentFactory.create(agent_id="b", metadata={"x": 1})

    assert listed(api, meta__x="1") == ["a", "b"]
    assert listed(api, meta__x="1", meta__y__z="w") == ["a"]


def test_at_most_sixteen_keys_are_taken(api: APIClient) -> None:
    answer = api.get("/agents?" + "&".join(f"meta.k{number}=1" for number in range(17)))

    assert answer.status_code == 422
    assert answer.json()["errors"] == {"meta.KEY": ["At most 16 keys."]}
