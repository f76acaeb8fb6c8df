"""Whether the handler that a spec names is there, and can be called."""

import ast
import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploygen.output.package import top_level_names
from deploygen.project.bindings import NotPython, bindings, is_dynamic, parse, top_level
from deploygen.spec.model import AgentSpec
from deploygen.spec.rules import python_of

DEFAULT = AgentSpec.model_fields["handler"].default
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LITERALS = (ast.Constant, ast.List, ast.Dict, ast.Set, ast.Tuple, ast.JoinedStr)


class HandlerError(Exception):
    """The message says why, and what would work."""


def check_handler(folder: Path, spec: AgentSpec, modules: Mapping[str, str]) -> None:
    """Look for the handler in the `modules` of a spec's folder. Raises HandlerError.

    One that a requirement may provide is not looked for.
    """
    module, _, function = spec.handler.partition(":")
    top, _, below = module.partition(".")
    if top.lower() in top_level_names():
        raise HandlerError(f"{top} is a package of every agent: give yours another name")
    if f"{top}.py" not in modules:
        _check_absent(folder, spec, modules, top)
    elif below:
        raise HandlerError(
            f"{top}.py is a single module, with nothing below it; did you mean '{top}:{function}'?"
        )
    else:
        _check_function(top, function, modules, python_of(spec.base_image))


def _check_absent(folder: Path, spec: AgentSpec, modules: Mapping[str, str], top: str) -> None:
    if (folder / top).is_dir():
        raise HandlerError(
            f"{folder / top} is a folder, and only single modules beside the spec are copied; put "
            f"the function into {folder / top}.py, or install the package by requirements"
        )
    # For the default there is one to fill in.
    if spec.handler == DEFAULT or (spec.requirements and top != DEFAULT.partition(":")[0]):
        return
    function = spec.handler.partition(":")[2]
    names = [name.removesuffix(".py") for name in modules]
    near = difflib.get_close_matches(top, names, n=1)
    hint = f"; did you mean '{near[0]}:{function}'?" if near else ""
    raise HandlerError(
        f"there is no {top}.py beside the spec, and no requirement that could provide it{hint}"
    )


def _check_function(
    module: str,
    function: str,
    modules: Mapping[str, str],
    python: tuple[int, int] | None,
    seen: frozenset[str] = frozenset(),
) -> None:
    file = f"{module}.py"
    try:
        tree = parse(modules[file], python)
    except NotPython as error:
        raise HandlerError(f"line {error.line} of {file} is not Python: {error}") from error
    if tree is None:
        return
    _check_relative_imports(tree, file)
    bound = bindings(tree).get(function, [])
    if not bound and not is_dynamic(tree):
        raise HandlerError(_not_defined(tree, module, function))
    if len(bound) == 1:
        if problem := _problem_of(bound[0]):
            raise HandlerError(f"line {_line(bound[0])} of {file}: {function} {problem}")
        for source, name in _sources(bound[0], function):
            if f"{source}.py" in modules and source not in seen:
                _check_function(source, name, modules, python, seen | {module})


def _check_relative_imports(tree: ast.Module, file: str) -> None:
    tried = [node for node in ast.walk(tree) if isinstance(node, ast.Try)]
    caught = {inner for node in tried for inner in ast.walk(node)}
    for node in top_level(tree):
        if isinstance(node, ast.ImportFrom) and node.level and node not in caught:
            raise HandlerError(
                f"line {node.lineno} of {file}: a relative import needs a package, and the modules "
                "beside the spec are none: import them by their names alone"
            )


def _not_defined(tree: ast.Module, module: str, function: str) -> str:
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            methods = [each.name for each in node.body if isinstance(each, FUNCTIONS)]
            if function in methods:
                return (
                    f"in {module}.py, {function} is a method of {node.name}: write a function "
                    "that calls it"
                )
    callable_ = [
        each.name
        for each in tree.body
        if isinstance(each, FUNCTIONS) and not each.name.startswith("_") and _takes_inputs(each)
    ]
    near = difflib.get_close_matches(function, callable_, n=1) or callable_
    missing = f"{module}.py defines no function {function}"
    if len(near) == 1:
        return f"{missing}; did you mean '{module}:{near[0]}'?"
    return f"{missing}, but {', '.join(near[:5])}" if near else f"{missing}(inputs)"


def _problem_of(node: ast.AST) -> str | None:
    """Return why what binds the function's name is none that can be called, None if it may be."""
    if isinstance(node, ast.ClassDef):
        if not (node.bases or node.keywords or node.decorator_list):
            return "is a class: write a function"
    elif isinstance(node, FUNCTIONS):
        return _problem_of_function(node)
    elif isinstance(node, ast.Import):
        return "is a module: write module:function"
    elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, LITERALS):
        return "is a value: write a function"
    return None


def _problem_of_function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    if node.decorator_list:
        return None  # what it is then, its text does not show
    if not _takes_inputs(node):
        return f"must take one argument: def {node.name}(inputs)"
    if any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in top_level(node)):
        return "yields: return a dict instead"
    return None


def _takes_inputs(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the function can be called with one positional argument."""
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    takes_one = bool(positional or arguments.vararg) and required <= 1
    return takes_one and None not in arguments.kw_defaults


def _sources(node: ast.AST, function: str) -> Iterator[tuple[str, str]]:
    """Yield the module that a name is imported from, and its name there."""
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        for alias in node.names:
            if (alias.asname or alias.name) == function:
                yield node.module, alias.name


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 1)
