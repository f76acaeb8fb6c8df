"""Picks the less loaded of two random agents (the power of two choices).

Otherwise all would get the one that was idle at its last heartbeat.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q, Value
from django.db.models.functions import Coalesce, Random

from agents.database.clock import DatabaseNow, LeaseWanes
from agents.database.dialect import dialect
from agents.database.expressions import Fragment
from agents.discovery.fields import ListedField
from agents.discovery.filters import Filters
from agents.discovery.pages import FieldsSerializer
from agents.models import FAILS, AgentRecord, ProbeFinds
from agents.querysets import AgentQuerySet
from agents.serializers.agent_page import read_page
from agents.serializers.agent_sql import ALL, Names
from agents.serializers.fields import AgentIdField
from agents.states import State, Status

TAKES_WORK = [status for status in Status if status.takes_work]
# Of an agent that reports no load.
USUAL_LOAD = 0.5
# Random places to look for rows, before all rows are read.
TRIES = 1_000
MAX_EXCLUDED = 1_000


class PickSerializer(FieldsSerializer):
    exclude = ListedField(
        child=AgentIdField(),
        max_values=MAX_EXCLUDED,
        help_text="Ids of agents that are not wanted, separated by commas.",
    )


class AmongSome(Fragment):
    arity = 0
    output_field = BooleanField()

    def fragment(self) -> str:
        return dialect.some_rows(AgentRecord, TRIES)


def pick(filters: Filters, exclude: Sequence[str] = (), fields: Names = ALL) -> str | None:
    """Return the JSON of an agent that takes work, or None. Raise ValidationError."""
    matching = filters.apply(who_take_work()).exclude(agent_id__in=exclude)
    # A sample without two matches means that few agents match.
    for agents in (matching.filter(AmongSome()), matching):
        page = read_page(_two_of(agents), 1, fields=fields, order_by=_least_loaded_first())
        if page.next_after:
            return page.body
    return page.body or None


def who_take_work() -> AgentQuerySet:
    agents = AgentRecord.objects.alive().filter(state=State.ACTIVE, status__in=TAKES_WORK)
    return agents.filter(~Q(ProbeFinds(FAILS)))


def _two_of(agents: AgentQuerySet) -> AgentQuerySet:
    return AgentRecord.objects.filter(pk__in=agents.order_by(Random()).values("pk")[:2])


def _least_loaded_first() -> list[Any]:
    # An agent that has missed two heartbeats may be gone.
    wanes = ExpressionWrapper(Q(LeaseWanes(DatabaseNow())), output_field=BooleanField())
    return [wanes, Coalesce("load", Value(USUAL_LOAD)), Random()]
