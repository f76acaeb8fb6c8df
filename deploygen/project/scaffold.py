import re
from pathlib import Path

from deploygen.output.rendering import RENDERED_SUFFIX, templates_in
from deploygen.output.transaction import (
    change_folder,
    files_in,
    finish_change,
    locked,
    was_interrupted,
)
from deploygen.spec.errors import SpecError, make_spec
from deploygen.spec.kinds import LONGEST_NAME

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "agent_project"
SPEC_FILE = "agent.yaml"
DEFAULT_NAME = "my-agent"
DEFAULT_TEMPLATE = "plain"
# The output, if the spec's folder has the agent's name.
BELOW_THE_SPEC = "build"


class ScaffoldError(Exception):
    pass


def template_names() -> list[str]:
    return sorted(path.name for path in TEMPLATES.iterdir())


def write_scaffold(folder: Path, template: str = DEFAULT_TEMPLATE) -> list[Path]:
    """Fill a new or empty folder. Raises ScaffoldError."""
    files = _files(TEMPLATES / template, name_for(folder))
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ScaffoldError(f"{folder} exists already, and is not a folder")
    try:
        with locked(folder):
            begun = files.keys() if was_interrupted(folder) else ()
            if any(path not in begun for path in files_in(folder)):
                raise ScaffoldError(f"{folder} is not empty")
            finish_change(folder)
            if not begun:
                change_folder(folder, files)
    except OSError as error:
        raise ScaffoldError(f"{folder} cannot be written: {error.strerror or error}") from error
    return [folder / name for name in files]


def name_for(folder: Path) -> str:
    words = re.findall(r"[a-z0-9]+", folder.resolve().name.lower())
    name = "-".join(words)[:LONGEST_NAME].rstrip("-")
    try:
        return make_spec({"name": name}).name
    except SpecError:
        return DEFAULT_NAME


def _files(template: Path, name: str) -> dict[str, str]:
    environment = templates_in(template)
    return {
        path.name.removesuffix(RENDERED_SUFFIX): environment.get_template(path.name).render(
            name=name
        )
        if path.suffix == RENDERED_SUFFIX
        else path.read_text(encoding="utf-8")
        for path in sorted(template.iterdir())
        if path.is_file()
    }
