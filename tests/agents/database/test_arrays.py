"""PostgreSQL reads arrays as they were."""

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.database.postgresql.arrays import Element, array_literal
from tests.agents.racing import postgresql_only

pytestmark = [postgresql_only, pytest.mark.django_db]

# PostgreSQL stores no NUL, and no half of a surrogate pair.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def read_back(elements: list[Element], kind: str) -> list[Element]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::{kind}[]", [array_literal(elements)])
        found: list[Element] = cursor.fetchone()[0]
        return found


@settings(max_examples=50)
@given(st.lists(TEXT | st.none(), min_size=1))
def test_texts_are_read_as_they_were(texts: list[Element]) -> None:
    assert read_back(texts, "text") == texts


@pytest.mark.parametrize("text", ["", "null", "NULL", '"', "\\", '","', '\\"', "{}", "a,b", " x "])
def test_a_text_with_a_meaning_of_its_own_is_read_as_it_was(text: str) -> None:
    assert read_back([text, "other"], "text") == [text, "other"]


@settings(max_examples=50)
@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.none(), min_size=1))
def test_integers_are_read_as_they_were(numbers: list[Element]) -> None:
    assert read_back(numbers, "int8") == numbers


@settings(max_examples=50)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.none(), min_size=1))
def test_floats_are_read_as_they_were(numbers: list[Element]) -> None:
    assert read_back(numbers, "float8") == numbers
