import ast
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

import pytest

from deploygen.image.bytecode import compile_folder, compile_module

SOURCE = '''"""Of the module."""
from __future__ import annotations

class Documented:
    """Of the class."""

class Two:
    """Of the class."""
    """What follows it."""

def documented():
    """Of the function."""

async def later():
    """Of the coroutine."""
    return 1

def checks(value):
    "Of another."
    assert value, "kept"
    return "a text that is no docstring"
'''


def load(tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch, name: str) -> object:
    """Import the compiled module, without a source beside it."""
    (tmp_path / f"{name}.pyc").write_bytes(compile_module(source.encode(), f"/at/{name}.py"))
    monkeypatch.syspath_prepend(tmp_path)
    try:
        return __import__(name)
    finally:
        sys.modules.pop(name)


def test_only_docstrings_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load(tmp_path, SOURCE, monkeypatch, "compiled_with_everything")
    names = ("Documented", "Two", "documented", "later", "checks")
    assert [getattr(module, name).__doc__ for name in names] == [None] * 5
    assert module.__doc__ is None
    checks = module.checks  # type: ignore[attr-defined]
    assert checks(1) == "a text that is no docstring"
    with pytest.raises(AssertionError, match="kept"):
        checks(0)
    assert checks.__code__.co_filename == "/at/compiled_with_everything.py"


@pytest.mark.parametrize("source", ["", "'only this'", "'one'\n'two'", "x = 1"])
def test_a_module_of_only_a_docstring_or_nothing_compiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    module = load(tmp_path, source, monkeypatch, "compiled_and_short")
    assert module.__doc__ is None


def test_invalid_python_is_refused() -> None:
    with pytest.raises(SyntaxError):
        compile_module(b"{{ template }} def", "x.py")


def test_the_same_source_gives_the_same_bytes() -> None:
    assert compile_module(SOURCE.encode(), "x.py") == compile_module(SOURCE.encode(), "x.py")
    assert ast.parse(SOURCE)


def test_what_is_no_python_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "one.py").write_text("number = 1\n")
    (tmp_path / "template.py").write_text("{{ name }} def")
    (tmp_path / "nul.py").write_bytes(b"\0")
    (tmp_path / "gone.py").symlink_to("nowhere.py")
    compile_folder(tmp_path, Path("/app"), PycInvalidationMode.CHECKED_HASH)
    compiled = list(tmp_path.rglob("*.pyc"))
    assert [path.parent.parent.name for path in compiled] == ["inner"]
    assert b"/app/inner/one.py" in compiled[0].read_bytes()


def test_bytecode_that_cannot_be_written_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("number = 1\n")
    (tmp_path / "__pycache__").touch()
    with pytest.raises(OSError, match="__pycache__"):
        compile_folder(tmp_path, Path("/app"), PycInvalidationMode.CHECKED_HASH)
