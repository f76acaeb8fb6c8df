"""Specs and options for generate_agent: the result is a valid folder or an error message."""

import hashlib
import io
import json
import re
import tempfile
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path
from random import Random
from typing import Any

import yaml
from django.core.management import CommandError, call_command

from deploygen.output.transaction import MARKER
from tests.fuzz.spec_mutations import OPTION, make

SPEC = "spec/agent.yaml"
# A RAM disk, since the command waits for the disk.
QUICK = Path("/dev/shm")
INSTRUCTIONS = frozenset(
    {
        "ARG",
        "FROM",
        "WORKDIR",
        "RUN",
        "COPY",
        "LABEL",
        "ENV",
        "USER",
        "EXPOSE",
        "HEALTHCHECK",
        "CMD",
    }
)
# The highest counts, which a requirement and a description reach.
MOST_OF_EACH = {"FROM": 6, "RUN": 8, "COPY": 10, "LABEL": 2, "ENV": 1, "USER": 1, "CMD": 1}
LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
# An error names the file and its line, or the option.
NAMES_PLACE = re.compile(r"agent\.yaml(:\d+)?: |--[a-z-]+|SPEC_OR_NAME|REGISTRY_URL|\.py\b")


class InvalidResult(Exception):
    """The command's files or its message are invalid."""


class AgentSpecs:
    """Pieces: options, each prefixed with OPTION, and the lines of the spec."""

    name = "specs"

    def __init__(self) -> None:
        self._compiled: set[str] = set()
        self.written = 0

    def make(self, random: Random) -> Sequence[bytes]:
        return make(random)

    def check(self, pieces: Sequence[bytes]) -> str | None:
        options = [p.removeprefix(OPTION) for p in pieces if p.startswith(OPTION)]
        spec = b"".join(piece for piece in pieces if not piece.startswith(OPTION))
        with tempfile.TemporaryDirectory(dir=QUICK if QUICK.is_dir() else None) as folder:
            jail = Path(folder, "jail")
            (jail / "spec").mkdir(parents=True)
            (jail / SPEC).write_bytes(spec)
            (jail / "spec" / "handler.py").write_text("def handle(inputs): return {}\n")
            (jail / "canary").write_text("unchanged")
            try:
                self._run(jail, [option.decode("utf-8", "surrogateescape") for option in options])
            except InvalidResult as error:
                return str(error)
        return None

    def check_health(self) -> str | None:
        """Nothing to check: there is no server."""

    def _run(self, jail: Path, options: list[str]) -> None:
        before = _files(jail.parent)
        try:
            with chdir(jail):
                call_command("generate_agent", SPEC, "--no-lock", *options, stdout=io.StringIO())
        except CommandError as error:
            _check_refusal(str(error))
            if _files(jail.parent) != before:
                raise InvalidResult(f"it refused, but wrote files: {error}") from error
            return
        except Exception as error:
            raise InvalidResult(f"{type(error).__name__}: {str(error)[:300]}") from error
        new = {path for path, state in _files(jail.parent).items() if before.get(path) != state}
        if new:
            folder = _folder_of(new)
            self._check_folder(jail.parent / folder)
            self.written += 1
        elif "--dry-run" not in options:
            raise InvalidResult("it wrote nothing")

    def _check_folder(self, folder: Path) -> None:
        files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
        for name, path in files.items():
            if path.suffix == ".py":
                self._check_python(name, path.read_bytes())
        _check_dockerfile((folder / "Dockerfile").read_text("utf-8"))
        config = json.loads((folder / "agent.json").read_text("utf-8"), parse_constant=_no_number)
        _check_deployment(folder, config)
        for line in (folder / ".env.example").read_text("utf-8").split("\n"):
            if line and not re.fullmatch(r"#( .*)?|#?[A-Za-z_][A-Za-z0-9_]*=", line):
                raise InvalidResult(f".env.example has the line {line!r}")

    def _check_python(self, name: str, content: bytes) -> None:
        digest = hashlib.sha256(content).hexdigest()
        if digest in self._compiled:
            return
        try:
            compile(content, name, "exec")
        except (SyntaxError, ValueError) as error:
            raise InvalidResult(f"{name} is no Python: {error}") from error
        self._compiled.add(digest)


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and modification time of each file below a folder, by path."""
    found = {}
    for path in folder.rglob("*"):
        if not path.is_dir():
            status = path.lstat()
            found[path.relative_to(folder).as_posix()] = (status.st_size, status.st_mtime_ns)
    return found


def _folder_of(new: set[str]) -> str:
    """Return the folder with the generator's marker, which must contain all new files."""
    markers = [path for path in new if path.rpartition("/")[2] == MARKER]
    if len(markers) != 1:
        raise InvalidResult(f"there are {len(markers)} markers among {sorted(new)[:5]}")
    folder = markers[0].removesuffix(MARKER)
    outside = sorted(path for path in new if not path.startswith(folder))
    if outside:
        raise InvalidResult(f"it wrote outside of {folder}: {outside[:5]}")
    return folder


def _check_refusal(message: str) -> None:
    if not message.strip() or not NAMES_PLACE.search(message):
        raise InvalidResult(f"the refusal does not name a line or an option: {message[:300]!r}")
    if any(not character.isprintable() and character != "\n" for character in message):
        raise InvalidResult(f"the message has control characters: {message[:300]!r}")


def _check_dockerfile(text: str) -> None:
    lines = [line for line in text.split("\n") if line.strip() and not line.startswith("#")]
    counts: dict[str, int] = {}
    goes_on = False
    for line in lines:
        if not goes_on:
            word = line.split(" ", 1)[0]
            counts[word] = counts.get(word, 0) + 1
        goes_on = line.endswith("\\")
    strange = {word for word in counts if word not in INSTRUCTIONS}
    more = {word for word, most in MOST_OF_EACH.items() if counts.get(word, 0) > most}
    if strange or more or text.splitlines() != text.split("\n")[:-1]:
        raise InvalidResult(f"the Dockerfile has instructions of the spec's: {counts}")


def _check_deployment(folder: Path, config: dict[str, Any]) -> None:
    try:
        compose = yaml.safe_load((folder / "compose.yaml").read_text("utf-8"))
        deployment, service = yaml.safe_load_all((folder / "kubernetes.yaml").read_text("utf-8"))
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidResult(f"a file is no YAML: {error}") from error
    name = config["name"]
    if list(compose) != ["services"] or list(compose["services"]) != [name]:
        raise InvalidResult(f"compose.yaml has not just the service {name!r}")
    if (deployment["kind"], service["kind"]) != ("Deployment", "Service"):
        raise InvalidResult("kubernetes.yaml has not just a deployment and a service")
    if not LABEL.fullmatch(deployment["metadata"]["name"]):
        raise InvalidResult(f"Kubernetes takes no such name: {deployment['metadata']['name']!r}")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    found = {entry["name"]: entry.get("value") for entry in container.get("env", [])}
    for variable, value in config["environment"].items():
        if value is not None and found[variable].replace("$$", "$") != value:
            raise InvalidResult(
                f"{variable} is {found[variable]!r} in kubernetes.yaml, not {value!r}"
            )


def _no_number(name: str) -> Any:
    raise InvalidResult(f"agent.json has the number {name}")
