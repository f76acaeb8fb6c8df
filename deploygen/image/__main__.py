"""``python3 -m image``: from an environment with packages and a folder to an image's files."""

import argparse
import os
import sys
from pathlib import Path

from .assembly import Sources, assemble, assemble_beside_base


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python3 -m image", description=__doc__)
    parser.add_argument("--environment", type=Path, required=True, help="the venv with packages")
    parser.add_argument("--app", type=Path, required=True, help="the folder with the code")
    parser.add_argument("--lock", type=Path, required=True, help="the requirements we know")
    parser.add_argument("--image", type=Path, required=True, help="the new folder to write")
    parser.add_argument("--name", help="what it is called (default: what agent.json says)")
    parser.add_argument(
        "--beside-base",
        action="store_true",
        help="only what is added to the base image, which keeps all that it has",
    )
    given = parser.parse_args(arguments)
    # The agent's user must be able to read it all.
    os.umask(0o022)
    paths = (given.environment.absolute(), given.app.absolute(), given.lock.absolute())
    sources = Sources(*paths, given.name)
    run = assemble_beside_base if given.beside_base else assemble
    for note in run(sources, given.image.absolute()):
        print(note, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
