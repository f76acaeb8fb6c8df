"""Picks one agent that takes work, by the power of two choices: of two at random, the less loaded.

So calls avoid loaded agents, and still not every caller gets the one that was idle at its last
heartbeat.
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
# Of an agent that reports none.
USUAL_LOAD = 0.5
# Places at which rows are looked for, before all rows are read.
TRIES = 1_000
MAX_EXCLUDED = 1_000


class PickSerializer(FieldsSerializer):
    exclude = ListedField(
        child=AgentIdField(),
        max_values=MAX_EXCLUDED,
        help_text="Ids of agents that are not wanted, separated by commas.",
    )


class AmongSome(Fragment):
    """Whether a row is one of some that were chosen at random."""

    arity = 0
    output_field = BooleanField()

    def fragment(self) -> str:
        return dialect.some_rows(AgentRecord, TRIES)


def pick(filters: Filters, exclude: Sequence[str] = (), fields: Names = ALL) -> str | None:
    """Return the JSON of an agent that matches and takes work, or None if there is none.

    Raise ValidationError.
    """
    matching = filters.apply(who_take_work()).exclude(agent_id__in=exclude)
    # Two of a random sample are two of all. Only few agents match if it has not even two.
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
    # One that has missed two heartbeats may be gone.
    wanes = ExpressionWrapper(Q(LeaseWanes(DatabaseNow())), output_field=BooleanField())
    return [wanes, Coalesce("load", Value(USUAL_LOAD)), Random()]
