import os
import re
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

PREFIX = "org.opencontainers.image."
# https://reproducible-builds.org/specs/source-date-epoch/
EPOCH = "SOURCE_DATE_EPOCH"
DIRTY = "-dirty"


@dataclass(frozen=True)
class Source:
    """`labels`: OCI annotations. `environment`: for the builder."""

    labels: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


def source_of(folder: Path) -> Source:
    """Empty outside a git repository."""
    revision = _git(folder, "rev-parse", "HEAD")
    seconds = os.environ.get(EPOCH) or _git(folder, "show", "--no-patch", "--format=%ct", "HEAD")
    labels = {}
    if re.fullmatch(r"[0-9]{1,11}", seconds):
        created = datetime.fromtimestamp(int(seconds), UTC)
        labels["created"] = created.strftime("%Y-%m-%dT%H:%M:%SZ")
    if revision:
        is_changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".")
        labels["revision"] = f"{revision}{DIRTY if is_changed else ''}"
        if url := _without_credentials(_git(folder, "remote", "get-url", "origin")):
            labels["source"] = url
    return Source(
        {f"{PREFIX}{name}": value for name, value in sorted(labels.items())},
        {EPOCH: seconds} if "created" in labels else {},
    )


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _without_credentials(url: str) -> str:
    """ "" for a local path."""
    parts = urlsplit(url)
    if parts.hostname and parts.scheme in {"https", "http", "ssh", "git"}:
        host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
        return urlunsplit(parts._replace(netloc=host))
    return ""
