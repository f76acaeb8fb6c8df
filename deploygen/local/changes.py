import asyncio
import logging
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

from deploygen.local.agent import VARIABLES_FILE
from deploygen.project.files import is_foreign
from deploygen.project.patterns import Selection
from deploygen.spec.model import AgentSpec

# Changes this close belong together.
STEP_MILLISECONDS = 20
MOST_NAMED = 3


class AgentFiles(DefaultFilter):
    """Passes the spec, its variables, and what a generated folder would contain."""

    ignore_entity_patterns = (*DefaultFilter.ignore_entity_patterns, r"^4913$")  # vim's probe

    def __init__(self, spec_file: Path) -> None:
        super().__init__()
        self._folder = spec_file.parent
        self._always = {spec_file.name, VARIABLES_FILE}
        self.selection = Selection([], [])

    def __call__(self, change: Change, path: str) -> bool:
        below = Path(path).relative_to(self._folder)
        if str(below) in self._always:
            return True
        folders = [self._folder / parent for parent in below.parents if parent.name]
        if not super().__call__(change, path) or any(map(is_foreign, folders)):
            return False
        if Path(path).is_dir():
            return self._has_files(Path(path), below.as_posix())
        return self.selection.has(below.as_posix())

    def _has_files(self, folder: Path, below: str) -> bool:
        is_selected = self.selection.may_have_below(below) and not is_foreign(folder)
        return is_selected and any(folder.iterdir())


class Changes:
    def __init__(self, spec_file: Path) -> None:
        self._folder = spec_file.parent.resolve()
        self._files = AgentFiles(self._folder / spec_file.name)
        self._changed: set[str] = set()
        self._event = asyncio.Event()

    def follow(self, spec: AgentSpec) -> None:
        self._files.selection = Selection(spec.include, spec.exclude)

    async def watch(self) -> None:
        logging.getLogger("watchfiles").setLevel(logging.WARNING)
        async for changes in awatch(
            self._folder, watch_filter=self._files, step=STEP_MILLISECONDS, rust_timeout=1000
        ):
            self._changed |= {str(Path(path).relative_to(self._folder)) for _, path in changes}
            self._event.set()

    async def next(self) -> str:
        await self._event.wait()
        self._event.clear()
        names = sorted(self._changed)
        self._changed.clear()
        more = len(names) - MOST_NAMED
        return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
