import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import BooleanField, CharField, F, Field

from agents.database.dialect import dialect
from agents.database.expressions import Fragment
from agents.querysets import AgentQuerySet
from agents.serializers.agent_sql import ALL, CACHE_SIZE, Names, agent_as_json, columns, field_of

BY_ID = ("pk",)
# Expressions that place an agent in an order, and their fields, by names of FIELDS.
Marks = Mapping[str, tuple[Any, Field[Any, Any]]]
Marked = tuple[tuple[str, Field[Any, Any]], ...]
ID: Marks = {"agent_id": (F("agent_id"), CharField())}
PLACE = "place"


@dataclass(frozen=True)
class Page:
    """`tag` changes whenever the JSON or `next_after` does.

    `body`: agents separated by commas; None if the caller knows `tag`. `next_after`: the last
    agent's marks, if there is a next page.
    """

    count: int
    tag: str
    body: str | None
    next_after: tuple[Any, ...] | None


def with_card(agent: str, card: dict[str, Any] | None) -> str:
    """Add a card to an agent's JSON. It changes with the generation, as the page's tag does."""
    return f'{agent.rstrip()[:-1]}, "agent_card": {json.dumps(card, ensure_ascii=False)}}}'


def read_page(
    agents: AgentQuerySet,
    limit: int,
    known_tags: Sequence[str] = (),
    *,
    fields: Names = ALL,
    order_by: Sequence[Any] = BY_ID,
    marks: Marks = ID,
) -> Page:
    """Read the first `limit` of `agents`, without a body if its tag is in `known_tags`.

    `order_by` depends on `marks` alone, and no two agents are equal in it.
    """
    sql, parameters = rows_sql(agents, limit + 1, fields=fields, order_by=order_by, marks=marks)
    marked = tuple((name, field) for name, (_, field) in marks.items())
    names = ", ".join([*(_mark(name) for name in marks), *fields])
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH found ({names}) AS ({sql}), {_page(fields, marked, len(known_tags))}",
            [*parameters, limit, limit, *known_tags],
        )
        count, others, tag, body, *last = cursor.fetchone()
    return Page(count, tag, body, tuple(last) if others else None)


def rows_sql(
    agents: AgentQuerySet,
    limit: int,
    *,
    fields: Names = ALL,
    order_by: Sequence[Any] = BY_ID,
    marks: Marks | None = None,
) -> tuple[str, tuple[Any, ...]]:
    """Return a query of the first `limit` of `agents`, and its parameters.

    Columns: `marks`, then `fields`.
    """
    # All fields in one expression: twenty would take the ORM longer than the query takes.
    named = {_mark(name): expression for name, (expression, _) in (marks or {}).items()}
    rows = agents.order_by(*order_by).annotate(row=Row(fields), **named)
    # Last, since Django orders by a column's number.
    query = rows.values(*named, "row")[:limit].query
    compiler = query.get_compiler(connection=connection, elide_empty=False)
    sql, values = compiler.as_sql()
    return sql, tuple(values)


class Row(Fragment):
    arity = 0
    output_field = BooleanField()

    def __init__(self, fields: Names) -> None:
        super().__init__()
        self._fields = fields

    def fragment(self) -> str:
        return columns(self._fields)


def _mark(name: str) -> str:
    return f"mark_{name}"


@lru_cache(CACHE_SIZE)
def _page(fields: Names, marked: Marked, known_tags: int) -> str:
    others = "COUNT(*) FILTER (WHERE NOT shown)"
    count = "COUNT(*) FILTER (WHERE shown)"
    tag = _tag(fields, marked, others)
    last = [f"MAX({_mark(name)}) FILTER (WHERE is_last) AS {_mark(name)}" for name, _ in marked]
    body = f"COALESCE({dialect.join_rows(agent_as_json(fields), 'shown')}, '')"
    begin = (
        f"placed AS (SELECT *, ROW_NUMBER() OVER () AS {PLACE} FROM found),"  # noqa: S608 - all ours
        f" page AS (SELECT *, {PLACE} <= %s AS shown, {PLACE} = %s AS is_last FROM placed)"
    )
    if not known_tags:
        return f"{begin} SELECT {', '.join([count, others, tag, body, *last])} FROM page"  # noqa: S608
    summary = [f"{count} AS count", f"{others} AS others", f"{tag} AS tag", *last]
    known = f"tag IN ({', '.join(['%s'] * known_tags)})"
    unless_known = f"CASE WHEN {known} THEN NULL ELSE (SELECT {body} FROM page) END"  # noqa: S608
    columns = ["count", "others", "tag", unless_known, *(_mark(name) for name, _ in marked)]
    return (
        f"{begin}, tagged AS (SELECT {', '.join(summary)} FROM page)"  # noqa: S608
        f" SELECT {', '.join(columns)} FROM tagged"
    )


# Without ORDER BY: rows arrive in the order of `found`.
def _tag(fields: Names, marked: Marked, others: str) -> str:
    shown = dialect.fingerprint({name: field_of(name) for name in fields}, "shown", PLACE)
    # A page depends on whether there is a next one, but not on its content.
    tag = f"{shown} || '-' || {others}"
    if {name for name, _ in marked} <= {*fields}:
        return tag
    after = dialect.fingerprint({_mark(name): field for name, field in marked}, "is_last", PLACE)
    return f"{tag} || CASE WHEN {others} > 0 THEN '-' || {after} ELSE '' END"
