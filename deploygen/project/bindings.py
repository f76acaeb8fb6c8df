"""What a module binds, without importing it."""

import ast
import re
import sys
from collections.abc import Iterator

# Other errors may be a newer version's syntax.
IN_EVERY_VERSION = (
    "expected ':'",
    "expected an indented block",
    "invalid decimal literal",
    "source code string cannot contain null bytes",
    "unexpected EOF",
    "unmatched",
    "unterminated triple-quoted string literal",
)
# Type parameters and aliases, strings with expressions, except without parentheses.
NEWER = re.compile(
    r"""\s*(?:type\s+\w|(?:async\s+)?def\s+\w+\s*\[|class\s+\w+\s*\[|except\*?\s[^(:]+,)"""
    r"""|.*\b(?:[fFtT][rR]?|[rR][fFtT])["']"""
)
DYNAMIC = frozenset({"eval", "exec", "globals", "locals", "setattr", "vars"})
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class NotPython(Exception):
    """`line` counts from 1."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line


def parse(source: bytes, python: tuple[int, int] | None) -> ast.Module | None:
    """None if a newer Python may accept it. Raises NotPython.

    `python`: the version that will run it.
    """
    try:
        return ast.parse(source)
    except SyntaxError as error:
        is_known = python is not None and python <= sys.version_info[:2]
        if is_known or _is_always_wrong(error) or not _may_be_newer(error, source):
            raise NotPython(error.lineno or 1, error.msg) from error
    except ValueError as error:
        raise NotPython(1, str(error)) from error
    except (RecursionError, MemoryError):
        pass
    return None


def bindings(tree: ast.Module) -> dict[str, list[ast.AST]]:
    found: dict[str, list[ast.AST]] = {}
    for node in top_level(tree):
        for name in _bound_by(node):
            found.setdefault(name, []).append(node)
    return found


def top_level(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs on import."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "__main__" in ast.unparse(node.test):
            continue
        yield node
        if not isinstance(node, SCOPES):
            yield from top_level(node)


def is_dynamic(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Global)
        or (isinstance(node, ast.Name) and node.id in DYNAMIC)
        or (isinstance(node, ast.Attribute) and node.attr == "modules")
        or (isinstance(node, ast.ImportFrom) and node.names[0].name == "*")
        or (isinstance(node, ast.FunctionDef) and node.name == "__getattr__")
        for node in ast.walk(tree)
    )


def _is_always_wrong(error: SyntaxError) -> bool:
    problem = error.msg
    is_known = problem.startswith(IN_EVERY_VERSION) or problem.endswith("was never closed")
    return is_known or isinstance(error, IndentationError)


def _may_be_newer(error: SyntaxError, source: bytes) -> bool:
    lines = source.decode(errors="replace").splitlines()
    line = lines[error.lineno - 1] if error.lineno and error.lineno <= len(lines) else ""
    return error.msg.startswith("f-string") or NEWER.match(line) is not None


def _bound_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.AnnAssign):
        if node.value is not None and isinstance(node.target, ast.Name):
            yield node.target.id
    else:
        yield from _bound_by_targets(node)


def _bound_by_targets(node: ast.AST) -> Iterator[str]:
    for target in ast.iter_child_nodes(node):
        inside = ast.walk(target) if isinstance(target, ast.Tuple | ast.List) else [target]
        for name in inside:
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                yield name.id
