import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from deploygen.output.build_secrets import required_options
from deploygen.output.package import (
    CONSTRAINTS,
    LOCK,
    OWN_REQUIREMENTS,
    PACKAGE,
    pins_in,
    tested_lock,
)
from deploygen.output.rendering import is_local
from deploygen.output.writing import Plan
from deploygen.spec.model import AgentSpec
from deploygen.spec.requirements import parse


def summary(plan: Plan, folder: Path, notes: Sequence[str], *, dry_run: bool) -> str:
    done = {
        "write": plan.write,
        "remove": plan.remove,
        "keep": plan.keep,
        "unchanged": plan.unchanged,
    }
    lines = [f"{'Would do this' if dry_run else 'Done'} in {folder}:"]
    lines += [f"  {verb:<9}  {path}" for verb, paths in done.items() for path in sorted(paths)]
    return "\n".join([*lines, *(f"note: {note}" for note in notes)])


def locked_versions(spec: AgentSpec, versions: Mapping[str, str]) -> str:
    names = dict.fromkeys(canonicalize_name(parse(text).name) for text in spec.requirements)
    own = ", ".join(f"{name} {versions[name]}" for name in names if name in versions)
    changed = [
        f"{name} {versions[name]} (tested with {tested})"
        for name, tested in pins_in(tested_lock()).items()
        if versions.get(name, tested) != tested
    ]
    lines = [f"It has {len(versions)} packages, for the requirements {own or 'their URLs'}."]
    if changed:
        lines.append(f"They change packages that every agent has: {', '.join(changed)}.")
    return "\n".join(lines)


def next_steps(
    spec: AgentSpec, folder: Path, *, code: Path, built: bool, is_locked: bool = False
) -> str:
    where = shlex.quote(str(folder))
    if code == folder:
        change = f"Write what it does into {folder / spec.handler_module.replace('.', '/')}.py."
    else:
        change = f"Its code is in {code}: change it there, and generate again."
    local = [
        f"cd {where}",
        "python3 -m venv .venv",
        *_pip_lines(spec, is_locked=is_locked),
        *(f"export {name}=...  # or {name}_FILE=..." for name in spec.secrets),
        f".venv/bin/python -m {PACKAGE}",
    ]
    buildkit = "DOCKER_BUILDKIT=1 " if spec.needs_buildkit else ""
    secrets = "".join(f"{option} " for option in required_options(spec))
    build = f"{buildkit}docker build {secrets}-t {spec.name} {where}"
    docker = [*([] if built else [build]), _docker_run(spec)]
    body = shlex.quote(json.dumps(spec.sample_inputs()))
    call = [
        f"curl -X POST http://localhost:{spec.port}/run -H 'Content-Type: application/json' \\",
        f"  -d {body}",
    ]
    return "\n\n".join(
        [
            f"\n{change} Run it here:",
            _block(local),
            "or with Docker:",
            _block(docker),
            "and give it something to do:",
            _block(call),
        ]
    )


def next_steps_after_init(paths: Sequence[Path]) -> str:
    spec = next(path for path in paths if path.suffix == ".yaml")
    lines = [f"Done in {spec.parent}:", *(f"  {'write':<9}  {path.name}" for path in paths)]
    run = f"python manage.py run_agent {shlex.quote(str(spec.parent))}"
    generate = f"python manage.py generate_agent {shlex.quote(str(spec))}"
    lines += ["", "Run it, and again whenever you change a file:", "", f"  {run}", ""]
    return "\n".join(
        [*lines, "Then make the folder that builds into its image:", "", f"  {generate}"]
    )


def _pip_lines(spec: AgentSpec, *, is_locked: bool) -> list[str]:
    pip = ".venv/bin/pip install"
    index = f" --index-url {shlex.quote(spec.index_url)}" if spec.index_url else ""
    more = "".join(f" --extra-index-url {shlex.quote(url)}" for url in spec.extra_index_urls)
    if is_locked:
        return [f"{pip}{index}{more} --no-deps -r {LOCK} -r {OWN_REQUIREMENTS}"]
    lines = [f"{pip}{index} --require-hashes -r {LOCK}"]
    own = f"{pip} -c {CONSTRAINTS} -r {OWN_REQUIREMENTS}"
    return [*lines, own] if spec.requirements else lines


def _docker_run(spec: AgentSpec) -> str:
    secrets = "".join(f" -e {name}" for name in spec.secrets)
    if spec.registry_url is not None and is_local(spec.registry_url):
        return f"docker run --rm --network host{secrets} {spec.name}"
    host = ' -e AGENT_HOST="$(hostname)"' if spec.registry_url is not None else ""
    return f"docker run --rm -p {spec.port}:{spec.port}{host}{secrets} {spec.name}"


def _block(lines: Sequence[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)
