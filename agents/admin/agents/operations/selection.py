"""Which agents an operator has chosen, and the way through them."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.forms import BooleanField
from django.http import HttpRequest

from agents.models import AgentRecord
from agents.querysets import AgentQuerySet

# Each agent is a transaction of its own, so that heartbeats get their turn in between; and one
# request does not work on after a proxy has given it up.
LONGEST_SECONDS = 45
CHUNK = 500


@dataclass(frozen=True)
class Choice:
    """`ticked`: ids. `is_across`: all that match were chosen, on whatever page."""

    ticked: list[str]
    is_across: bool
    agents: AgentQuerySet

    @property
    def hidden(self) -> list[str]:
        """What the page that asks has to post again; Django wants one id at least."""
        return self.ticked[:1] if self.is_across else self.ticked


def read_choice(request: HttpRequest, matching: AgentQuerySet) -> Choice:
    """Read what was posted: the ticked agents, or those that match the list's filters now.

    A ticked agent stays chosen though it match no more: "alive" may have ended meanwhile.
    """
    posted = request.POST.getlist(ACTION_CHECKBOX_NAME)
    ticked = list(dict.fromkeys(one for one in posted if one and "\0" not in one))
    is_across = bool(BooleanField(required=False).clean(request.POST.get("select_across")))
    agents = matching if is_across else AgentRecord.objects.filter(pk__in=ticked)
    return Choice(ticked, is_across, agents)


class Walk:
    """The ids of agents, read by chunks while the agents are being dealt with.

    It ends early, and is `cut_short`, when it has taken LONGEST_SECONDS.
    """

    def __init__(self, agents: AgentQuerySet) -> None:
        self.cut_short = False
        self._ids = agents.order_by("pk").values_list("pk", flat=True)

    def __iter__(self) -> Iterator[str]:
        end = time.monotonic() + LONGEST_SECONDS
        chunk = list(self._ids[:CHUNK])
        while chunk:
            for agent_id in chunk:
                if time.monotonic() > end:
                    self.cut_short = True
                    return
                yield agent_id
            chunk = list(self._ids.filter(pk__gt=chunk[-1])[:CHUNK])
