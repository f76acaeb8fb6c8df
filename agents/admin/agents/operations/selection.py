from dataclasses import dataclass

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.forms import BooleanField
from django.http import HttpRequest

from agents.models import AgentRecord
from agents.querysets import AgentQuerySet


@dataclass(frozen=True)
class Selection:
    """`ticked`: ids. `is_across`: all matching agents."""

    ticked: list[str]
    is_across: bool
    agents: AgentQuerySet

    @property
    def hidden_ids(self) -> list[str]:
        """Django needs at least one id."""
        return self.ticked[:1] if self.is_across else self.ticked


def read_selection(request: HttpRequest, matching: AgentQuerySet) -> Selection:
    posted = request.POST.getlist(ACTION_CHECKBOX_NAME)
    ticked = list(dict.fromkeys(one for one in posted if one and "\0" not in one))
    is_across = bool(BooleanField(required=False).clean(request.POST.get("select_across")))
    agents = matching if is_across else AgentRecord.objects.filter(pk__in=ticked)
    return Selection(ticked, is_across, agents)
