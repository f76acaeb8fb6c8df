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


def test_a_dockerfile_word_escapes_quotes_variables_and_line_breaks() -> None:
    assert dockerfile_quoted('a "b" $c \\ d\n\te') == r'"a \"b\" \$c \\ d e"'


def test_a_dockerfile_word_keeps_its_spaces() -> None:
    assert dockerfile_quoted(" a  b ") == '" a  b "'


@pytest.mark.parametrize("text", [*NASTY, "a\n\nb\x85c\u2028d\ufeff", "\U0001f600\u00e4"])
def test_yaml_flow_is_one_line_with_the_same_text(text: str) -> None:
    quoted = yaml_flow({"a": [text]})
    assert quoted.splitlines() == [quoted]
    assert yaml.safe_load(quoted) == json.loads(quoted) == {"a": [text]}
