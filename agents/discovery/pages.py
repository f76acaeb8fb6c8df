import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from agents.agent_ids import is_agent_id
from agents.discovery.fields import ListedField, NameField
from agents.discovery.sorting import ID, ORDERS, NotOfThisOrder, Order
from agents.models import AgentRecord
from agents.querysets import AgentQuerySet
from agents.serializers.agent_page import Page, read_page
from agents.serializers.agent_sql import ALL, Names
from agents.serializers.cached import validate
from agents.strict_json import parse_json

DEFAULT_LIMIT = 1_000
MAX_LIMIT = 10_000
MAX_CURSOR_LENGTH = 4_096
BAD_CURSOR = "Take it from the Link header of the previous page."


class FieldsSerializer(serializers.Serializer[Any]):
    fields = ListedField(  # type: ignore[assignment]  # a parameter's name, here
        child=NameField(ALL),
        help_text="Only these fields of each agent, separated by commas. Without "
        "`last_heartbeat` and `expires_at`, a heartbeat alone does not change the ETag.",
    )


class PageSerializer(FieldsSerializer):
    sort = ListedField(
        child=NameField(ORDERS),
        help_text="Fields to sort by, separated by commas; `-` for descending. Agents that are "
        "equal are sorted by id, and those without a load come last.",
    )
    limit = serializers.IntegerField(
        min_value=1,
        max_value=MAX_LIMIT,
        default=DEFAULT_LIMIT,
        help_text="At most this many agents; a Link header leads to the rest.",
    )
    cursor = serializers.CharField(
        required=False,
        max_length=MAX_CURSOR_LENGTH,
        help_text="From the Link header of the previous page.",
    )


@dataclass(frozen=True)
class PageQuery:
    """`after`: the place before the page; None for the first page."""

    limit: int
    order: Order
    fields: Names
    after: tuple[Any, ...] | None

    def after_cursor(self, agents: AgentQuerySet) -> AgentQuerySet:
        """Raise ValidationError."""
        if self.after is None:
            return agents
        try:
            return self.order.after(agents, self.after)
        except NotOfThisOrder as error:
            raise serializers.ValidationError({"cursor": [BAD_CURSOR]}) from error

    def read(self, agents: AgentQuerySet, known_tags: Sequence[str] = ()) -> Page:
        """Raise ValidationError."""
        agents, order_by = self.after_cursor(agents), self.order.order_by()
        if not self.order.is_by_id:
            # Sorting ids takes half as long as sorting whole rows.
            first = agents.order_by(*order_by).values("pk")[: self.limit + 1]
            agents = AgentRecord.objects.filter(pk__in=first)
        return read_page(
            agents,
            self.limit,
            known_tags,
            fields=self.fields,
            order_by=order_by,
            marks=self.order.marks(),
        )

    def read_records(
        self, agents: AgentQuerySet
    ) -> tuple[list[AgentRecord], tuple[Any, ...] | None]:
        """Return the agents, and the place of the last if there is a next page.

        Raise ValidationError.
        """
        marks = {f"mark_{name}": mark for name, (mark, _) in self.order.marks().items()}
        ordered = self.after_cursor(agents).annotate(**marks).order_by(*self.order.order_by())
        found: list[AgentRecord] = list(ordered[: self.limit + 1])
        page = found[: self.limit]
        is_last = len(found) == len(page)
        return page, None if is_last else tuple(vars(page[-1])[name] for name in marks)

    def cursor(self, place: tuple[Any, ...]) -> str:
        """Return the cursor of the page after a place."""
        text = place[0] if self.order.is_by_id else json.dumps([str(self.order), *place])
        return base64.urlsafe_b64encode(text.encode()).decode()


def read_page_query(parameters: QueryDict) -> PageQuery:
    """Raise ValidationError."""
    query = validate(PageSerializer, parameters)
    order = Order(query["sort"])
    after = read_cursor(query["cursor"], order) if "cursor" in query else None
    return PageQuery(query["limit"], order, chosen(query["fields"]), after)


def read_fields(parameters: QueryDict) -> Names:
    """Raise ValidationError."""
    return chosen(validate(FieldsSerializer, parameters)["fields"])


def chosen(fields: Sequence[str]) -> Names:
    return tuple(name for name in ALL if name in fields) or ALL


def read_cursor(
    text: str, order: Order, name: str = "cursor", problem: str = BAD_CURSOR
) -> tuple[Any, ...]:
    """Return the place in it. Raise ValidationError, of the parameter `name`."""
    try:
        place = base64.b64decode(text.encode(), altchars=b"-_", validate=True).decode("ascii")
        if order.is_by_id:
            order_of_cursor, values = ID, [place] if is_agent_id(place) else []
        else:
            order_of_cursor, *values = parse_json(place.encode())
    except (binascii.Error, ValueError, TypeError) as error:
        raise serializers.ValidationError({name: [problem]}) from error
    if order_of_cursor != str(order) or not values:
        raise serializers.ValidationError({name: [problem]})
    return tuple(values)
