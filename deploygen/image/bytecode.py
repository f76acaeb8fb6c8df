import ast
import importlib.util
import marshal

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
