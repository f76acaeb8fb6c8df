import json

import pytest
import yaml

from deploygen.output.quoting import dockerfile_quoted, yaml_flow

NASTY = [
    "",
    "a b",
    "$HOME ${X}",
    "it's",
    '"',
    "\\",
    "# no comment",
    "a: b",
    "- a",
    "{{ x }}",
    "`id`",
]


def test_a_word_of_a_dockerfile_escapes_what_ends_or_expands_it() -> None:
    assert dockerfile_quoted('a "b" $c \\ d\n\te') == r'"a \"b\" \$c \\ d e"'


def test_a_word_of_a_dockerfile_keeps_its_blanks() -> None:
    assert dockerfile_quoted(" a  b ") == '" a  b "'


@pytest.mark.parametrize("text", [*NASTY, "a\n\nb\x85c\u2028d\ufeff", "\U0001f600\u00e4"])
def test_yaml_is_one_line_and_the_same_text(text: str) -> None:
    found = yaml_flow({"a": [text]})
    assert found.splitlines() == [found]
    assert yaml.safe_load(found) == json.loads(found) == {"a": [text]}
