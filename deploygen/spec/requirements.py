"""Requirements of a spec: a name with versions, or a URL (PEP 508)."""

import re
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from deploygen.spec.fields import wrong
from deploygen.spec.rules import URL_TEXT

RUNTIME = "agent-runtime"
# Instead of pip's options.
OPTIONS = {
    ("-r", "--requirement"): "write its lines here",
    ("-c", "--constraint"): "write the versions here",
    ("-e", "--editable"): "a module beside the spec is copied as it is",
    ("--pre",): "ask for it by version, such as 'numpy>=2.0rc1'",
}


def requirement(text: str) -> str:
    """Require what pip can install anywhere."""
    try:
        parsed = Requirement(text)
    except InvalidRequirement as error:
        problem = str(error).splitlines()[0].rstrip(":")
        raise wrong(
            _hint(text) or f"it is not a requirement such as 'numpy>=2': {problem}"
        ) from error
    if re.search(r"\\|\$|\s#", text):
        # Special in a requirements file.
        raise wrong(r"it must have no '\', no '$' and no comment")
    if canonicalize_name(parsed.name) == RUNTIME:
        raise wrong("agent_runtime is the package of every agent, and would hide it")
    if parsed.specifier.is_unsatisfiable():
        raise wrong(f"no version can be {text!r}")
    if parsed.url is not None:
        _check_url(parsed, parsed.url)
    return text


def file_of(url: str) -> tuple[str, Version] | None:
    """Return the normalised name and version in a URL's file name, if it has any."""
    name = urlsplit(url).path.rpartition("/")[2]
    try:
        if name.endswith(".whl"):
            return parse_wheel_filename(name)[:2]
        return parse_sdist_filename(name)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None


def _check_url(parsed: Requirement, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" or "@" in parts.netloc or not URL_TEXT.fullmatch(url):
        raise wrong("its URL must be https://, without a user or a password")
    file = file_of(url)
    if file is not None and file[0] != canonicalize_name(parsed.name):
        kind = "wheel" if parts.path.endswith(".whl") else "source"
        raise wrong(f"its URL is a {kind} of {file[0]}: write '{file[0]} @ https://...'")


def _hint(text: str) -> str:
    """Return what to write instead of what pip accepts elsewhere."""
    if text.startswith("pip install "):
        return "only the requirement belongs here: leave 'pip install' out"
    option = re.match(r"(?:.*\s)?(--?[a-z]+)", text)
    if option is not None:
        instead = next((each for names, each in OPTIONS.items() if option[1] in names), "")
        hint = f": {instead}" if instead else ""
        return f"options of pip, such as {option[1]}, have no place here{hint}"
    if single := re.fullmatch(r"\s*([\w.-]+)\s*=\s*([\w.*+!-]+)\s*", text):
        return f"a version follows '==': write '{single[1]}=={single[2]}'"
    return ""
