"""Which YAML is accepted and which is refused, and on which line."""

import time
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deploygen.output.quoting import yaml_flow
from deploygen.spec.document import LARGEST_BYTES, DocumentError, read_document


def value_of(text: str) -> Any:
    return read_document(text.encode()).value


def refused(text: str | bytes) -> DocumentError:
    with pytest.raises(DocumentError) as error:
        read_document(text.encode() if isinstance(text, str) else text)
    return error.value


def test_every_key_and_item_has_its_line() -> None:
    document = read_document(b"# a comment\na: 1\nb:\n  - c: x\n    d: y\n  - z\n")
    assert document.value == {"a": 1, "b": [{"c": "x", "d": "y"}, "z"]}
    assert document.lines == {"": 2, "a": 2, "b": 3, "b[0]": 4, "b[0].c": 4, "b[0].d": 5, "b[1]": 6}
    assert document.sources == {"a": "1"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("text", "text"),
        ("'no'", "no"),
        ('"1.10"', "1.10"),
        ("|\n no\n", "no\n"),
        ("0", 0),
        ("-12", -12),
        ("+7", 7),
        ("1.5", 1.5),
        ("-0.5", -0.5),
        (".5", 0.5),
        ("2.", 2.0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("[1, a]", [1, "a"]),
        ("{a: {}}", {"a": {}}),
        ("1.2.3", "1.2.3"),
        ("a:b", "a:b"),
        ("python:3.13-slim", "python:3.13-slim"),
        ("db:5432", "db:5432"),
        ("y", "y"),
        ('"\\U0001F600"', "\U0001f600"),
    ],
)
def test_unambiguous_values_are_accepted(text: str, value: Any) -> None:
    found = value_of(f"a: {text}")["a"]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "word",
    [
        "yes",
        "No",
        "on",
        "OFF",
        "2026-01-01",
        "2026-01-01 10:00:00",
        "017",
        "0o17",
        "0x1F",
        "0b11",
        "1_000",
        "1:30",
        "190:20:30.5",
        "1e3",
        "12e10",
        "-.5",
        "=",
        "<<",
        "007",
        "08",
    ],
)
def test_values_that_yaml_readers_interpret_differently_are_refused(word: str) -> None:
    error = refused(f"ok: 1\na: {word}\n")
    assert (error.line, error.path) == (2, "a")
    assert word in error.problem
    assert "in quotes" in error.problem
    assert value_of(f"a: '{word}'") == {"a": word}


@pytest.mark.parametrize("number", [".inf", "-.Inf", ".nan", "1.0e+999"])
def test_numbers_outside_json_are_refused(number: str) -> None:
    assert "JSON has no number" in refused(f"a: {number}").problem


def test_duplicate_keys_are_refused() -> None:
    error = refused("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n")
    assert (error.line, error.path) == (5, "b.c")
    assert error.problem == "it occurs twice; the first is in line 3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1: x", "its key 1 is not read as text"),
        ("on: x", "its key on is not read as text"),
        ("2026-01-01: x", "its key 2026-01-01 is not read as text"),
        ("~: x", "its key ~ is not read as text"),
        ("? [a]\n: x", "a key that is not text"),
        ("a: &a {x: y}\nb:\n  <<: *a\n", "merging by << is not supported"),
    ],
)
def test_keys_that_are_not_text_are_refused(text: str, message: str) -> None:
    assert message in refused(text).problem


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system ['id']",
        "a: !!str 1",
        "a: !own {b: c}",
        "!!map {}",
        "%TAG ! tag:yaml.org,2002:python/\n---\na: !name:os.system x",
        "a: ! 12",
    ],
)
def test_tags_are_refused(text: str) -> None:
    assert "tags are not supported" in refused(text).problem


def test_aliases_are_resolved() -> None:
    assert value_of("a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}


def test_exponentially_growing_aliases_are_refused_at_once() -> None:
    lines = [
        "a0: &a0 [x, x, x, x, x, x, x, x, x]",
        *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 15)),
    ]
    begun = time.perf_counter()
    assert "more than 10000 values" in refused("\n".join(lines)).problem
    assert time.perf_counter() - begun < 5  # a tenth of a second when idle


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a\n  b: *a"])
def test_recursive_aliases_are_refused(text: str) -> None:
    assert "contains itself" in refused(text).problem


@pytest.mark.parametrize(
    "text",
    ["[" * 60_000, "{a: " * 15_000, "- " * 30_000, "a:\n" + "? " * 30_000, "a: " + "[{a: " * 21],
)
def test_deep_nesting_is_refused_at_once(text: str) -> None:
    begun = time.perf_counter()
    assert "levels deep" in refused(text).problem
    assert time.perf_counter() - begun < 5


def test_deep_nesting_by_aliases_is_refused() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 30))]
    assert "levels deep" in refused("\n".join(lines)).problem


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"", 1, "it is empty"),
        (b"# nothing\n", 1, "it is empty"),
        (b"a: 1\n---\nb: 2\n", 2, "another document"),
        (b"a: 1\nb: \xff\n", 2, "not UTF-8"),
        (b"a: 1\nb: \x07\n", 2, "does not allow the character U+0007"),
        (b"a: 1\n\x00", 2, "does not allow the character U+0000"),
        (b"a: 1\n b: 2\n", 2, "it is not YAML: "),
        (b"a: [1\nb: 2\n", 2, "it is not YAML: "),
        (b"a: *nothing", 1, "it is not YAML: "),
        (b"a: 'x\n", 2, "it is not YAML: "),
        (b"a: \t- b\n\tc", 1, "it is not YAML: "),
        (b"a: " + b"9" * 21, 1, "64 bits"),
        (b"a: " + b"x" * LARGEST_BYTES, 1, "larger than 64 KiB"),
    ],
)
def test_an_invalid_document_is_refused_with_its_line(
    content: bytes, line: int, message: str
) -> None:
    error = refused(content)
    assert (error.line, error.path) == (line, "a" if message == "64 bits" else "")
    assert message in error.problem


def test_a_byte_order_mark_is_ignored() -> None:
    assert read_document(b"\xef\xbb\xbfa: 1\n").value == {"a": 1}


@given(st.binary(max_size=200) | st.text("a:-[]{}!&*?|>'\"#%\n 01.", max_size=80))
def test_any_content_is_read_or_refused_without_another_exception(content: bytes | str) -> None:
    with suppress(DocumentError):
        read_document(content.encode() if isinstance(content, str) else content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_yaml_flow_writes_values_that_every_reader_reads_the_same(value: Any) -> None:
    text = yaml_flow(value)
    assert "\n" not in text
    assert "\r" not in text
    if all(not 0xD800 <= ord(character) <= 0xDFFF for character in text):
        assert yaml.safe_load(text) == value
        assert value_of(f"a: {text}") == {"a": value}
