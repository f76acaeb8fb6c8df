"""Static files under names with a hash of their contents, compressed, for browsers to keep.

`collectstatic` makes them. Where nobody has called it for just these files, as in development, they
are served under their own names.
"""

import hashlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.apps import StaticFilesConfig
from django.core.files.storage import storages
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage

SOURCES = "sources"


class StaticFiles(StaticFilesConfig):
    """Without what no page of ours refers to."""

    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        "redoc",
        "rest_framework",
        "*.map",
    ]


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # has no types
    keep_only_hashed_files = True
    support_js_module_import_aggregation = True
    # Maps are not collected.
    patterns = tuple(
        (names, tuple(rule for rule in rules if "sourceMappingURL" not in str(rule)))
        for names, rules in CompressedManifestStaticFilesStorage.patterns
    )

    @cached_property
    def is_current(self) -> bool:
        """Whether the files were collected from those that are there now."""
        file = Path(self.path(SOURCES))
        return file.is_file() and file.read_text() == sources()

    def stored_name(self, name: str) -> str:
        return super().stored_name(name) if self.is_current else name

    def post_process(self, *args: Any, **options: Any) -> Iterator[tuple[str, str, Any]]:
        yield from super().post_process(*args, **options)
        if not options.get("dry_run"):
            Path(self.path(SOURCES)).write_text(sources())


def collect() -> None:
    """Collect the files unless that was done for just these."""
    files: Any = storages["staticfiles"]
    if settings.DEBUG or files.is_current:
        return
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)


def sources() -> str:
    """Return a hash of all files that are collected."""
    digest = hashlib.sha256()
    for finder in finders.get_finders():
        for name, storage in sorted(
            finder.list(StaticFiles.ignore_patterns), key=lambda found: str(found[0])
        ):
            with storage.open(name) as file:
                digest.update(f"{name}\0".encode() + hashlib.sha256(file.read()).digest())
    return digest.hexdigest()
