import io
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry_project.local.console import LONGEST_LINE_BYTES, Console, Lines, wants_colour


def printed(path: Path, *, coloured: bool) -> str:
    with io.FileIO(path, "w") as file:
        console = Console(file, ["web", "worker"], coloured=coloured)
        console.write("web", [b"one", b"", b"two\r"])
        console.write("worker", [b"three"])
    return path.read_bytes().decode()


def test_prefixes_have_the_same_width(tmp_path: Path) -> None:
    assert printed(tmp_path / "out", coloured=False) == (
        "web    | one\nweb    | two\nworker | three\n"
    )


def test_only_the_prefix_is_coloured(tmp_path: Path) -> None:
    assert printed(tmp_path / "out", coloured=True) == (
        "\x1b[36mweb    |\x1b[0m one\n\x1b[36mweb    |\x1b[0m two\n\x1b[33mworker |\x1b[0m three\n"
    )


def test_a_full_non_blocking_output_still_receives_everything() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    counts = [sys.executable, "-c", "import sys; print(len(sys.stdin.read()))"]
    # The pipe is smaller than the output and fills up before its reader has started.
    with subprocess.Popen(counts, stdin=reading, stdout=subprocess.PIPE, text=True) as reader:
        os.close(reading)
        with io.FileIO(writing, "w") as file:
            Console(file, ["web"]).write("web", [b"x" * 1_000_000])
        output, _ = reader.communicate(timeout=30)

    assert int(output) == len("web    | ") + 1_000_000 + 1


def test_lines_are_assembled_across_chunks() -> None:
    lines = Lines()

    assert lines.feed(b"on") == []
    assert lines.feed(b"e\ntwo\nthr") == [b"one", b"two"]
    assert lines.finish() == [b"thr"]
    assert lines.finish() == []


def test_an_endless_line_is_split_into_pieces() -> None:
    lines = Lines()

    assert lines.feed(b"x" * (LONGEST_LINE_BYTES - 1)) == []
    assert lines.feed(b"x") == [b"x" * LONGEST_LINE_BYTES]
    assert lines.feed(b"y\n") == [b"y"]


@pytest.fixture
def pseudo_terminal() -> Iterator[io.FileIO]:
    controlling, controlled = pty.openpty()
    with io.FileIO(controlling), io.FileIO(controlled, "w") as file:
        yield file


def test_a_terminal_wants_colour(pseudo_terminal: io.FileIO) -> None:
    assert wants_colour(pseudo_terminal, {"TERM": "xterm"})


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_the_environment_can_forbid_colour(
    pseudo_terminal: io.FileIO, environment: dict[str, str]
) -> None:
    assert not wants_colour(pseudo_terminal, environment)


def test_a_file_wants_no_colour(tmp_path: Path) -> None:
    with io.FileIO(tmp_path / "out", "w") as file:
        assert not wants_colour(file, {"TERM": "xterm"})
