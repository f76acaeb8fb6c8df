from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Why an agent should get no work.

    Everybody may see `general`; `detail` may hold secrets.
    """

    general: str
    detail: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", self.detail or self.general)
