import json
from pathlib import Path
from py_compile import PycInvalidationMode

from .bytecode import compile_folder
from .layers import CODE, STEPS, Layers
from .os_packages import distribution_of_base
from .packages import installed
from .sbom import PLACE, bill_of_materials
from .tree import Tree

APP = Path("/app")
COMPILED = "__pycache__"
SERVER = "agent_runtime"
OF_THE_BUILD = (
    f"{SERVER}/image",
    "requirements.txt",
    "requirements-agent.txt",
    "requirements-wheels",
    "constraints.txt",
)


def add_code(tree: Tree, app: Path, part: str = "") -> None:
    """Leave out what only the build needs."""
    tree.copy_folder(app / part, APP / part, *(app / name for name in OF_THE_BUILD))
    _compile(tree)


def write_steps(layers: Layers, app: Path) -> None:
    """`app`: what build steps have written. Its bytecode, with times in it, is made anew."""
    with layers.layer(STEPS) as tree:
        tree.copy_files(app, APP, _is_kept)
        _compile(tree)


def _is_kept(path: Path) -> bool:
    return path.name != COMPILED and (path.is_symlink() or path.is_file() or path.is_dir())


def _compile(tree: Tree) -> None:
    # Hashes are checked, since somebody may mount a file over one of these.
    compile_folder(tree.inside(APP), APP, PycInvalidationMode.CHECKED_HASH)


def write_code(layers: Layers, app: Path, *, environment: Path, name: str | None = None) -> None:
    """`name`: for the bill of materials, by default agent.json's."""
    if name is None:
        about = json.loads((app / "agent.json").read_text(encoding="utf-8"))
    else:
        about = {"name": name}
    with layers.layer(CODE) as tree:
        add_code(tree, app)
        system = layers.os_packages(CODE)
        python = installed(environment)
        tree.write(PLACE, bill_of_materials(about, python, system, distribution_of_base()))
