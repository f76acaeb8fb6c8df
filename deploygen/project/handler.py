import ast
import difflib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from deploygen.output.package import top_level_names
from deploygen.project.bindings import NotPython, bindings, is_dynamic, top_level
from deploygen.project.modules import Modules, package_of
from deploygen.spec.model import AgentSpec

DEFAULT = AgentSpec.model_fields["handler"].default
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
CONTEXT = "context"
LITERALS = (ast.Constant, ast.List, ast.Dict, ast.Set, ast.Tuple, ast.JoinedStr)


class HandlerError(Exception):
    pass


def check_handler(folder: Path, spec: AgentSpec, modules: Modules) -> None:
    """Raises HandlerError. A requirement may provide the handler, unchecked."""
    module, _, function = spec.handler.partition(":")
    top, _, below = module.partition(".")
    if top.lower() in top_level_names():
        raise HandlerError(f"{top} is a package of every agent: give yours another name")
    if modules.file(module):
        _check_function(module, function, modules)
    elif modules.is_package(top):
        _check_package(module, function, modules)
    elif below and modules.file(top):
        raise HandlerError(
            f"{top}.py is a single module, with nothing below it; did you mean '{top}:{function}'?"
        )
    else:
        _check_absent(folder, spec, modules)


def _check_package(module: str, function: str, modules: Modules) -> None:
    package = module
    while not modules.is_package(package):
        package = package.rpartition(".")[0]
    if package == module:
        raise HandlerError(f"{module} is a folder without __init__.py: write module:function")
    found = modules.below(package)
    near = difflib.get_close_matches(module, found, n=1)
    hint = f"; did you mean '{near[0]}:{function}'?" if near else ""
    raise HandlerError(f"{package} has no module {module}, but {', '.join(found[:5])}{hint}")


def _check_absent(folder: Path, spec: AgentSpec, modules: Modules) -> None:
    module, _, function = spec.handler.partition(":")
    file = f"{module.replace('.', '/')}.py"
    if (folder / file).is_file():
        raise HandlerError(f"{file} is left out of the agent: see the keys include and exclude")
    top = module.partition(".")[0]
    # The default gets a file to fill in.
    if spec.handler == DEFAULT or (spec.requirements and top != DEFAULT.partition(":")[0]):
        return
    near = difflib.get_close_matches(module, modules.below(""), n=1)
    hint = f"; did you mean '{near[0]}:{function}'?" if near else ""
    raise HandlerError(
        f"there is no {file} beside the spec, and no requirement that could provide it{hint}"
    )


def tree_of(file: str, modules: Modules) -> ast.Module | None:
    """Raises HandlerError."""
    try:
        return modules.tree(file)
    except NotPython as error:
        raise HandlerError(f"line {error.line} of {file} is not Python: {error}") from error


def _check_function(
    module: str, function: str, modules: Modules, seen: frozenset[str] = frozenset()
) -> None:
    file = modules.file(module) or ""
    tree = tree_of(file, modules)
    if tree is None:
        return
    _check_relative_imports(tree, file)
    bound = bindings(tree).get(function, [])
    if not bound and not is_dynamic(tree):
        raise HandlerError(_not_defined(tree, module, file, function))
    if len(bound) == 1:
        if problem := _problem_of(bound[0]):
            raise HandlerError(f"line {_line(bound[0])} of {file}: {function} {problem}")
        for source, name in _sources(bound[0], function, file):
            if modules.file(source) and source not in seen:
                _check_function(source, name, modules, seen | {module})


def _check_relative_imports(tree: ast.Module, file: str) -> None:
    folders = len(PurePosixPath(file).parent.parts)
    tried = [node for node in ast.walk(tree) if isinstance(node, ast.Try)]
    caught = {inner for node in tried for inner in ast.walk(node)}
    for node in top_level(tree):
        if isinstance(node, ast.ImportFrom) and node.level > folders and node not in caught:
            where = (
                "leads above the package"
                if folders
                else "needs a package, and the modules beside the spec are none"
            )
            raise HandlerError(
                f"line {node.lineno} of {file}: a relative import {where}: import modules by their "
                "names alone"
            )


def _not_defined(tree: ast.Module, module: str, file: str, function: str) -> str:
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            methods = [each.name for each in node.body if isinstance(each, FUNCTIONS)]
            if function in methods:
                return (
                    f"in {file}, {function} is a method of {node.name}: write a function "
                    "that calls it"
                )
    callable_ = [
        each.name
        for each in tree.body
        if isinstance(each, FUNCTIONS) and not each.name.startswith("_") and _takes_inputs(each)
    ]
    near = difflib.get_close_matches(function, callable_, n=1) or callable_
    missing = f"{file} defines no function {function}"
    if len(near) == 1:
        return f"{missing}; did you mean '{module}:{near[0]}'?"
    return f"{missing}, but {', '.join(near[:5])}" if near else f"{missing}(inputs)"


def _problem_of(node: ast.AST) -> str | None:
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
        return None  # a decorator may change anything
    if not _takes_inputs(node):
        return f"must take one argument, and perhaps a context: def {node.name}(inputs, context)"
    return None


def _takes_inputs(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    required = positional[: len(positional) - len(arguments.defaults)]
    required += [
        each
        for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is None
    ]
    takes_inputs = bool(positional or arguments.vararg)
    named = [*arguments.args, *arguments.kwonlyargs]
    return takes_inputs and all(
        each in positional[:1] or (each.arg == CONTEXT and each in named) for each in required
    )


def _sources(node: ast.AST, function: str, file: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            if (alias.asname or alias.name) == function:
                yield package_of(file, node.level, node.module), alias.name


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 1)
