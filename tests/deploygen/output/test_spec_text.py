"""The text of an agent.yaml made from values."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploygen.output.spec_text import spec_text
from deploygen.spec.document import read_document

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4))
def test_it_is_read_as_the_same_values(values: dict[str, Any]) -> None:
    assert read_document(spec_text(values).encode()).value == values


def test_it_looks_as_people_write_it() -> None:
    values = {
        "name": "weather",
        "description": "Says: how it is",
        "handler": "handler:handle",
        "version": "1.0",
        "tags": ["eu", "no"],
        "inputs": [{"name": "city", "type": "string"}, {"name": "days", "required": False}],
        "registry": {"url": "https://registry.example", "ttl_seconds": 30},
    }

    assert spec_text(values) == (
        "name: weather\n"
        'description: "Says: how it is"\n'
        "handler: handler:handle\n"
        'version: "1.0"\n'
        'tags: ["eu", "no"]\n'
        "inputs:\n"
        "  - name: city\n"
        "    type: string\n"
        "  - name: days\n"
        "    required: false\n"
        "registry:\n"
        "  url: https://registry.example\n"
        "  ttl_seconds: 30\n"
    )


@pytest.mark.parametrize("word", ["no", "null", "y", "1e3", "017", "~", "", "true", "- a", "#"])
def test_words_that_parsers_read_differently_are_quoted(word: str) -> None:
    assert read_document(spec_text({"name": word}).encode()).value == {"name": word}
