"""``python3 -m image``: writes one layer of an image, on top of those written before."""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from .code import write_code, write_steps
from .environment import write_packages, write_runtime
from .interpreter import write_interpreter
from .layers import CODE, INTERPRETER, PACKAGES, RUNTIME, STEPS, Layers
from .packages import versions

# Reproducible bytecode. Without sources, column numbers (a quarter of it) are useless.
REPRODUCIBLE = {"PYTHONHASHSEED": "0"}
WITHOUT_COLUMNS = {"PYTHONNODEBUGRANGES": "1"}
WITHOUT_SOURCES = (INTERPRETER, RUNTIME)


def main(arguments: list[str]) -> int:
    given = _parser().parse_args(arguments)
    os.umask(0o022)
    for note in _write(given, Layers(given.layers.absolute())):
        print(note, file=sys.stderr)
    return 0


def _write(given: argparse.Namespace, layers: Layers) -> Iterator[str]:
    if given.layer == INTERPRETER:
        write_interpreter(layers)
        return
    if given.layer == STEPS:
        write_steps(layers, given.app.absolute())
        return
    environment = given.environment.absolute()
    if given.layer == RUNTIME:
        app = given.app.absolute() if given.app else None
        lock = given.lock.absolute()
        yield from write_runtime(layers, environment, lock, app=app, archived=given.archive)
    elif given.layer == PACKAGES:
        yield from write_packages(
            layers,
            environment,
            with_tests=not given.without_tests,
            system=[each.partition("=")[0] for each in given.system],
        )
        if given.report:
            yield f"installed: {', '.join(versions(environment))}"
    else:
        write_code(layers, given.app.absolute(), environment=environment, name=given.name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m image", description=__doc__)
    layers = parser.add_subparsers(dest="layer", required=True)
    layers.add_parser(INTERPRETER, help="Python, and what it needs of the base image")
    runtime = layers.add_parser(RUNTIME, help="the packages that we know")
    runtime.add_argument("--lock", type=Path, required=True, help="their pins")
    runtime.add_argument("--app", type=Path, help="the folder with the agent's server")
    runtime.add_argument(
        "--archive", action="store_true", help="put those that are only Python into one file"
    )
    packages = layers.add_parser(PACKAGES, help="the packages installed since")
    packages.add_argument("--without-tests", action="store_true", help="leave out their tests/")
    packages.add_argument(
        "--system", nargs="+", default=[], help="packages of the distribution, with their files"
    )
    packages.add_argument("--report", action="store_true", help="say which versions there are")
    steps = layers.add_parser(STEPS, help="what build steps have written")
    steps.add_argument("--app", type=Path, required=True, help="the folder they wrote into")
    code = layers.add_parser(CODE, help="the code, and the bill of materials")
    code.add_argument("--app", type=Path, required=True, help="the folder with the code")
    code.add_argument("--name", help="what it is called (default: what agent.json says)")
    for layer in (runtime, packages, code):
        layer.add_argument("--environment", type=Path, required=True, help="the venv")
    for layer in layers.choices.values():
        layer.add_argument("--layers", type=Path, required=True, help="the folder of the layers")
    return parser


def environment_for(layer: str) -> dict[str, str]:
    return REPRODUCIBLE | (WITHOUT_COLUMNS if layer in WITHOUT_SOURCES else {})


if __name__ == "__main__":
    wanted = environment_for(sys.argv[1] if sys.argv[1:] else "")
    if not wanted.items() <= os.environ.items():
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **wanted})  # noqa: S606
    sys.exit(main(sys.argv[1:]))
