from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

ArgumentsT = TypeVar("ArgumentsT", bound=BaseModel)


class Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Caller:
    """`actor`: as the history shows it."""

    actor: str
    may_operate: bool


class ToolRefused(Exception):
    """The message is for the assistant."""


@dataclass(frozen=True)
class Tool(Generic[ArgumentsT]):
    """`call` returns what JSON can hold. Raises ToolRefused, ValidationError of REST framework."""

    name: str
    title: str
    description: str
    arguments: type[ArgumentsT]
    call: Callable[[ArgumentsT, Caller], dict[str, Any]]
    is_for_operators: bool = False
