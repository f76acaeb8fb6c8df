from collections.abc import Mapping
from typing import Any

from deploygen.output.package import PACKAGE
from deploygen.project.scaffold import BELOW_THE_SPEC, SPEC_FILE

GENERATED = f"{BELOW_THE_SPEC}/"
UNCHANGING = f"{GENERATED}{PACKAGE}/"


def listed(files: Mapping[str, str]) -> dict[str, Any]:
    """Return paths in groups; names of the runtime's files come last, since they never change."""
    runtime = [path for path in files if path.startswith(UNCHANGING)]
    generated = [path for path in files if path.startswith(GENERATED) and path not in runtime]
    return {
        "own": [path for path in files if not path.startswith(GENERATED)],
        "generated": [(path, path.removeprefix(GENERATED)) for path in generated],
        "runtime": [(path, path.removeprefix(UNCHANGING)) for path in runtime],
    }


def shown_path(files: Mapping[str, str], chosen: str) -> str:
    return chosen if chosen in files else SPEC_FILE
