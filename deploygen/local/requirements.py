from collections.abc import Mapping
from pathlib import Path

from deploygen.lock.agent_lock import current_lock
from deploygen.lock.target import target_of
from deploygen.output.package import LOCK, OWN_REQUIREMENTS, index_options, requirement_files
from deploygen.output.writing import WritingError, unchanged_texts
from deploygen.project.scaffold import BELOW_THE_SPEC
from deploygen.spec.model import AgentSpec


def local_requirements(spec: AgentSpec, folder: Path) -> tuple[Mapping[str, str], list[str]]:
    """Return files by path, and a note. `folder` has the spec.

    Use a generated folder's lock if it is for this spec and this Python.
    """
    if spec.requirements:
        for generated in (folder / BELOW_THE_SPEC, Path(spec.name)):
            if existing := _lock_in(generated):
                lock = current_lock(spec, folder, existing)
                if problem := _problem(spec, lock):
                    return requirement_files(spec, {}), [f"does not use {generated}: {problem}"]
                return _with_indexes(spec, lock), [f"uses the versions locked in {generated}"]
    return requirement_files(spec, {}), []


def _lock_in(folder: Path) -> dict[str, str]:
    try:
        found = unchanged_texts(folder, (LOCK, OWN_REQUIREMENTS))
    except WritingError:
        return {}
    return found if OWN_REQUIREMENTS in found else {}


def _problem(spec: AgentSpec, lock: Mapping[str, str]) -> str:
    target = target_of(spec.base_image)
    if not lock:
        return "its versions are not those of the spec's requirements; generate_agent locks them"
    if target is None or not target.is_here():
        return f"its versions are for {target}"
    return ""


def _with_indexes(spec: AgentSpec, lock: Mapping[str, str]) -> dict[str, str]:
    own = [*index_options(spec), lock[OWN_REQUIREMENTS]]
    return {LOCK: lock[LOCK], OWN_REQUIREMENTS: "\n".join(own)}
