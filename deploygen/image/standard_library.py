import importlib.util
import re
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .archive import archive_of
from .bytecode import compile_module

PRUNED = frozenset(
    {
        "test",
        "tests",
        "idlelib",
        "tkinter",
        "turtledemo",
        "turtle.py",
        "pydoc_data",
        "ensurepip",
        "venv",
        "distutils",
        "lib2to3",
        "msilib",
        "crypt.py",
        "site-packages",
        "dist-packages",
        "lib-dynload",
        "__pycache__",
        "__phello__",
    }
)
PRUNED_PREFIX = "config-"
# dbm.dumb and sqlite3 remain.
PRUNED_EXTENSIONS = re.compile(
    r"(_curses(_panel)?|readline|_tkinter|ossaudiodev|_crypt|spwd|nis|_dbm|_gdbm|xxlimited.*|"
    r"xxsubtype|_ctypes_test|_test.*|_xxtestfuzz)\."
)
# Python fallbacks for C modules.
TWINS = {"_pydecimal.py": "_decimal", "_pyio.py": "_io", "_pydatetime.py": "_datetime"}


@dataclass(frozen=True)
class Interpreter:
    """Python searches `archive` before `library`."""

    executable: Path
    library: Path
    extensions: Path
    archive: Path

    @classmethod
    def running(cls) -> "Interpreter":
        """Raises RuntimeError for an unknown layout."""
        archive = f"python{sys.version_info.major}{sys.version_info.minor}.zip"
        return cls(
            # The base's, even in a venv.
            executable=Path(getattr(sys, "_base_executable", sys.executable)),
            library=Path(sysconfig.get_path("stdlib")),
            extensions=_on_path("lib-dynload"),
            archive=_on_path(archive),
        )


def _on_path(name: str) -> Path:
    for entry in sys.path:
        if Path(entry).name == name:
            return Path(entry)
    raise RuntimeError(f"this Python has no {name} on its path: {sys.path}")


def extension_modules(interpreter: Interpreter) -> Iterator[Path]:
    for path in sorted(interpreter.extensions.glob("*.so")):
        if not PRUNED_EXTENSIONS.match(path.name):
            yield path


def module_files(library: Path) -> Iterator[Path]:
    for path in sorted(library.iterdir()):
        if path.name in PRUNED or path.name.startswith(PRUNED_PREFIX):
            continue
        if path.name in TWINS and importlib.util.find_spec(TWINS[path.name]):
            continue
        if path.is_dir():
            yield from module_files(path)
        elif path.suffix == ".py" and path.exists():
            yield path


def make_archive(interpreter: Interpreter) -> bytes:
    modules = {}
    for path in module_files(interpreter.library):
        name = path.relative_to(interpreter.library)
        code = compile_module(path.read_bytes(), str(interpreter.archive / name))
        modules[name.with_suffix(".pyc").as_posix()] = code
    return archive_of(modules)
