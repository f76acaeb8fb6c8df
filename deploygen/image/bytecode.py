import ast
import importlib.util
import marshal
import py_compile
from pathlib import Path

# PEP 552: Python does not check the source's hash.
UNCHECKED_HASH = 0b01


def compile_module(source: bytes, filename: str) -> bytes:
    """Return a .pyc file without docstrings. Raises SyntaxError, ValueError."""
    tree = ast.parse(source, filename)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            _drop_docstring(node)
    code = compile(tree, filename, "exec", dont_inherit=True, optimize=0)
    flags = UNCHECKED_HASH.to_bytes(4, "little")
    head = importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(source)
    return head + marshal.dumps(code)


def compile_folder(folder: Path, at: Path, invalidation: py_compile.PycInvalidationMode) -> None:
    """Write .pyc files beside the sources. `at`: the folder's path in the image.

    Unlike compileall, fails if one cannot be written: the image would differ without a word.
    """
    for source in sorted(folder.rglob("*.py")):
        if not source.is_file():
            continue
        name = str(at / source.relative_to(folder))
        try:
            py_compile.compile(
                str(source), dfile=name, doraise=True, invalidation_mode=invalidation
            )
        except py_compile.PyCompileError:
            continue  # a template, or for another version


def _drop_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> None:
    if not node.body or not _is_text(node.body[0]):
        return
    first = node.body.pop(0)
    if not node.body or _is_text(node.body[0]):
        node.body.insert(0, ast.copy_location(ast.Pass(), first))


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
