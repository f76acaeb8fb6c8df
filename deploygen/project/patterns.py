from collections.abc import Sequence

from pathspec import GitIgnoreSpec

# Even if `include` names them.
NEVER = GitIgnoreSpec.from_lines(
    [
        ".git",
        ".hg",
        ".svn",
        ".venv",
        "/venv",
        "node_modules",
        "__pycache__",
        "*.pyc",
        ".env",
        ".env.*",
        "*.env",
        "*.key",
        "*.p12",
        "*.pfx",
        ".netrc",
        ".pypirc",
        "id_rsa",
        "id_ecdsa",
        "id_ed25519",
        "/secrets",
    ]
)
EVERYTHING = "*"


class Selection:
    """The keys `include` and `exclude`, as in .gitignore."""

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        self._include = GitIgnoreSpec.from_lines(include or [EVERYTHING])
        self._hidden = GitIgnoreSpec.from_lines(filter(is_hidden, include))
        self._named = GitIgnoreSpec.from_lines(filter(_names_something, include))
        self._exclude = GitIgnoreSpec.from_lines(exclude)

    def has(self, path: str) -> bool:
        """A hidden file needs a pattern that names the dot."""
        include = self._hidden if is_hidden(path) else self._include
        return include.match_file(path) and not self._is_out(path)

    def may_have_below(self, folder: str) -> bool:
        skipped = is_hidden(folder) and not len(self._hidden)
        return not skipped and not self._is_out(f"{folder}/")

    def names(self, path: str) -> bool:
        """Whether a pattern for more than everything matches."""
        return self._named.match_file(path)

    def _is_out(self, path: str) -> bool:
        return self._exclude.match_file(path) or NEVER.match_file(path)


def is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def _names_something(pattern: str) -> bool:
    return not set(pattern) <= set("*/")
