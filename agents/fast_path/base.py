import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Generic

from agents.fast_path.call_queue import CallT
from agents.fast_path.front import Caller, Front
from agents.fast_path.group_commit import GroupCommit
from agents.fast_path.outcomes import HandOver, Response
from agents.fast_path.responses import fallback_fault
from agents.problems.errors import TooBusy

logger = logging.getLogger("agents.fast_path")


class FastPath(ABC, Generic[CallT]):
    name: ClassVar[str]
    group_commit: ClassVar[type[GroupCommit[Any]]]

    def __init__(self, commits: GroupCommit[CallT], front: Front) -> None:
        self._commits = commits
        self._front = front

    @abstractmethod
    def take(
        self, request: bytes, peer: str, caller: Any, *, may_keep_open: bool = True
    ) -> bool | Response:
        """Return the response, True if `responses` will have it, False if Django must answer.

        `peer`: an address.
        """

    @abstractmethod
    def respond(self, call: CallT, shared: dict[Any, bytes]) -> Response | HandOver:
        pass

    def offer(self, call: CallT) -> bool | Response:
        return self._commits.offer(call) or self._front.problem(call.caller, TooBusy())

    def flush(self) -> float:
        """Commit, or return in how many seconds to flush again."""
        return self._commits.flush()

    def responses(self, calls: Sequence[CallT]) -> Iterator[Response | HandOver]:
        self._commits.delivered()
        shared: dict[Any, bytes] = {}
        for call in calls:
            try:
                response = self.respond(call, shared)
            except Exception:
                logger.exception("a %s could not be answered", self.name)
                caller: Caller = call.caller
                content = fallback_fault(keeps_open=caller.keeps_open)
                response = Response(caller.caller, content, caller.keeps_open)
            yield response
