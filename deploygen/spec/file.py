import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploygen.spec.document import LARGEST_BYTES, Document, DocumentError, read_document
from deploygen.spec.errors import Problem, SpecError, make_spec
from deploygen.spec.model import AgentSpec


class SpecFileError(Exception):
    """`problems`: line, field, text. The message is "file:line: ...", as compilers write it."""

    def __init__(self, path: Path, problems: Sequence[tuple[int | None, str, str]]) -> None:
        lines = []
        for line, field, problem in problems:
            where = str(path) if line is None else f"{path}:{line}"
            text = f"{where}: {field}: {problem}" if field else f"{where}: {problem}"
            # Keys may contain control characters.
            lines.append("".join(c if c.isprintable() else ascii(c)[1:-1] for c in text))
        super().__init__("\n".join(lines))
        self.problems = problems


@dataclass(frozen=True)
class SpecFile:
    path: Path
    document: Document

    @property
    def registry(self) -> Any:
        value = self.document.value
        return value.get("registry", {}) if isinstance(value, dict) else {}

    def spec(self, options: Mapping[str, Any] | None = None) -> AgentSpec:
        """`options`, by paths such as "registry.url", override the file.

        Raises SpecError for options, otherwise SpecFileError.
        """
        options = options or {}
        try:
            return make_spec(overridden(self.document.value, options), self.document.sources)
        except SpecError as error:
            if own := [each for each in error.problems if each.field in options]:
                raise SpecError(own) from None
            raise self.located(error) from None

    def located(self, error: SpecError) -> SpecFileError:
        return SpecFileError(self.path, sorted(map(self._located, error.problems)))

    def _located(self, problem: Problem) -> tuple[int, str, str]:
        lines, written = self.document.lines, problem.at
        while written not in lines:
            # If only a name is written, "environment[0].name" is "environment[0]".
            written = written[: max(written.rfind("."), written.rfind("["), 0)]
        field = problem.field if problem.at != problem.field else written or problem.field
        return lines[written], field, problem.text


def overridden(values: Any, options: Mapping[str, Any]) -> Any:
    if not isinstance(values, dict):
        return values
    values = dict(values)
    for path, value in options.items():
        outer, _, inner = path.partition(".")
        if not inner:
            values[outer] = value
        elif isinstance(section := values.get(outer) or {}, dict):
            values[outer] = {**section, inner: value}
    return values


def read_spec(path: Path) -> SpecFile:
    """Raises SpecFileError."""
    try:
        content = _read(path)
    except OSError as error:
        problem = f"it cannot be read: {error.strerror or error}"
        raise SpecFileError(path, [(None, "", problem)]) from error
    try:
        return SpecFile(path, read_document(content))
    except DocumentError as error:
        raise SpecFileError(path, [(error.line, error.path, error.problem)]) from error


def _read(path: Path) -> bytes:
    # Opening a pipe would block.
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("it is not a file")
    with path.open("rb") as file:
        return file.read(LARGEST_BYTES + 1)
