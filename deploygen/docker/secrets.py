import os
from collections.abc import Iterator
from pathlib import Path

from deploygen.output import build_secrets
from deploygen.output.build_secrets import NETRC, PIP_CONFIG
from deploygen.spec.model import AgentSpec

# By id: the variables in which pip and curl look for these files.
FILES = {NETRC: "NETRC", PIP_CONFIG: "PIP_CONFIG_FILE"}
# As at run time: NAME has the value, NAME_FILE the path of a file with it.
FILE_SUFFIX = "_FILE"


def secret_options(spec: AgentSpec) -> list[str]:
    options = []
    for name in build_secrets.names(spec):
        if path := os.environ.get(FILES.get(name, f"{name}{FILE_SUFFIX}")):
            options += ["--secret", f"id={name},src={Path(path).absolute()}"]
        elif name in spec.build_secrets:
            options += ["--secret", f"id={name},env={name}"]
    return options


def missing_secrets(spec: AgentSpec) -> Iterator[str]:
    if spec.pip_config and not os.environ.get(FILES[PIP_CONFIG]):
        yield f"{FILES[PIP_CONFIG]}, to the path of a pip.conf (pip_config)"
    for name in spec.build_secrets:
        if not (os.environ.get(name) or os.environ.get(f"{name}{FILE_SUFFIX}")):
            yield f"{name} or {name}{FILE_SUFFIX} (build_steps)"
