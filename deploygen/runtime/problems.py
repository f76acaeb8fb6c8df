"""Why an agent should get no work."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """`general` is for everybody. `detail` may name secrets, hosts and code: it is for the log,
    operators, and callers with a token."""

    general: str
    detail: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", self.detail or self.general)
