from dataclasses import dataclass
from typing import Any

from agents.leases import Registration


class ForDjango(Exception):
    def __init__(self, *, is_counted: bool) -> None:
        super().__init__()
        self.is_counted = is_counted


@dataclass(slots=True, eq=False)
class Call:
    """`outcome`: None while another call for the id comes first."""

    fields: dict[str, Any]
    token: str | None
    address: str | None
    caller: Any
    request: bytes = b""
    outcome: Registration | Exception | None = None
    is_counted: bool = False

    @property
    def agent_id(self) -> str:
        return str(self.fields["agent_id"])

    @property
    def size(self) -> int:
        return 1

    def fail(self, error: Exception) -> None:
        self.outcome = error

    def must_retry(self, _now: float) -> bool:
        return self.outcome is None
