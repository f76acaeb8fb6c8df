"""``python pip_for_target.py MARKERS ...``: pip, as if it ran where the agent will.

pip has no option for markers.
"""

import json
import sys

from pip._vendor.packaging import markers  # type: ignore[import-not-found,unused-ignore]


def main(values: dict[str, str], arguments: list[str]) -> int:
    if not callable(markers.default_environment):
        raise TypeError("this pip evaluates markers in a way that is not known")
    # pip looks it up in the module.
    setattr(markers, "default_environment", lambda: dict(values))  # noqa: B010 - it is of another type

    from pip._internal.cli.main import main as pip  # noqa: PLC0415 - after the change

    return int(pip(arguments))


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1]), sys.argv[2:]))
