import json
import shlex
import subprocess

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deploygen.quoting import compose_flow, dockerfile_quoted, env_value, yaml_flow

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


def test_compose_replaces_no_variable() -> None:
    assert compose_flow("$HOME") == '"$$HOME"'
    assert yaml_flow("$HOME") == '"$HOME"'


@given(st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])))
def test_a_value_of_a_env_file_is_itself_to_a_shell(text: str) -> None:
    assert shlex.split(f"A={env_value(text)}") == [f"A={text}"]


def test_plain_values_of_a_env_file_have_no_quotes() -> None:
    # `docker run --env-file` would take them for a part of the value.
    assert env_value("http://a:1/b@c,d") == "http://a:1/b@c,d"


def test_a_shell_reads_the_value_and_runs_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("shell")
    hostile = "'; touch owned; $(touch owned) `touch owned`"
    (folder / ".env").write_text(f"A={env_value(hostile)}\n")
    done = subprocess.run(
        ["sh", "-c", '. ./.env; printf %s "$A"'],  # noqa: S607
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == hostile
    assert not (folder / "owned").exists()
