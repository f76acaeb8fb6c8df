import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from deploygen.lock.resolution import Package
from deploygen.lock.target import Target
from deploygen.output.package import LOCK, OWN_REQUIREMENTS, WHEELS, tested_lock

INPUTS = re.compile(r"(?m)^# Inputs: ([0-9a-f]{64})$")
BLOCK = re.compile(r"(?m)^([A-Za-z0-9][\w.-]*)==([^\s;\\]+).*(?:\n[ \t]+.*)*\n")
HEADER = """\
# The author's packages, and what these need, for {target}; generate_agent has resolved them
# together with those in {lock}. To take newer versions: generate_agent --upgrade
# Inputs: {inputs}
"""


@dataclass(frozen=True)
class Block:
    version: str
    text: str


def tested_blocks() -> dict[str, Block]:
    return {
        canonicalize_name(found[1]): Block(found[2], found[0])
        for found in BLOCK.finditer(tested_lock())
    }


def inputs_of(lines: Sequence[str], options: Sequence[str], target: Target) -> str:
    """Return a digest of all inputs of a lock except the index."""
    document = [lines, options, str(target), tested_lock()]
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()


def is_for(files: Mapping[str, str], inputs: str) -> bool:
    found = INPUTS.search(files.get(OWN_REQUIREMENTS, ""))
    return LOCK in files and found is not None and found[1] == inputs


def lock_files(packages: Iterable[Package], inputs: str, target: Target) -> dict[str, str]:
    tested = tested_blocks()
    by_name = {each.name: each for each in packages}
    every = [_block(by_name[name], tested) for name in tested if name in by_name]
    own = [_block(by_name[name], {}) for name in sorted(by_name) if name not in tested]
    header = HEADER.format(target=target, lock=LOCK, inputs=inputs)
    return {LOCK: "".join(every), OWN_REQUIREMENTS: "".join([header, *own])}


def _block(package: Package, tested: Mapping[str, Block]) -> str:
    if package.name in tested and tested[package.name].version == package.version:
        return tested[package.name].text
    hashes = [f"--hash=sha256:{digest}" for digest in sorted(package.hashes)]
    return " \\\n    ".join([_line(package), *hashes]) + "\n"


def _line(package: Package) -> str:
    parts = urlsplit(package.url)
    if parts.scheme == "file":
        return f"./{WHEELS}/{unquote(parts.path).rpartition('/')[2]}"
    at = f" @ {package.url}" if package.url else f"=={package.version}"
    return f"{package.name}{at}"
