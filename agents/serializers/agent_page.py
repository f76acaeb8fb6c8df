"""A page of agents as JSON, by one statement."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import BooleanField

from agents.database.dialect import dialect
from agents.database.expressions import Fragment
from agents.querysets import AgentQuerySet
from agents.serializers.agent import FIELDS
from agents.serializers.agent_sql import agent_as_json, columns, field_of


@dataclass(frozen=True)
class Page:
    """`tag` changes whenever the JSON does.

    `body`: the agents, separated by commas; None if the caller knows `tag`. `next_after`: the last
    id, if there is a next page.
    """

    count: int
    tag: str
    body: str | None
    next_after: str | None


def with_card(agent: str, card: dict[str, Any] | None) -> str:
    """Return an agent's JSON with its card. That changes with the generation, as the tag does."""
    return f'{agent.rstrip()[:-1]}, "agent_card": {json.dumps(card, ensure_ascii=False)}}}'


def read_page(agents: AgentQuerySet, limit: int, known_tags: Sequence[str] = ()) -> Page:
    """Read the first `limit` of `agents` by id, without a body if its tag is in `known_tags`."""
    # One row too many shows whether there is a next page.
    sql, parameters = rows_sql(agents, limit + 1)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH found ({', '.join(FIELDS)}) AS ({sql}), {_page(len(known_tags))}",
            [*parameters, limit, *known_tags],
        )
        count, others, tag, last, body = cursor.fetchone()
    return Page(count, tag, body, last if others else None)


def rows_sql(agents: AgentQuerySet, limit: int) -> tuple[str, tuple[Any, ...]]:
    """Return a query of the first `limit` of `agents` by id, and its parameters.

    Its columns are FIELDS. An empty queryset has no SQL.
    """
    rows = agents.order_by("pk").annotate(row=Row()).values("row")[:limit]
    return rows.query.sql_with_params()


class Row(Fragment):
    """All columns in one expression: for twenty, the ORM takes longer than the query."""

    fragment = staticmethod(columns)
    arity = 0
    output_field = BooleanField()


@cache
def _page(known_tags: int) -> str:
    page = "page AS (SELECT *, ROW_NUMBER() OVER () <= %s AS shown FROM found)"
    others = "COUNT(*) FILTER (WHERE NOT shown)"
    # A page depends on whether there is a next one, but not on what is in that.
    summary = (
        f"COUNT(*) FILTER (WHERE shown) AS count, {others} AS others,"
        f" {_tag()} || '-' || {others} AS tag, MAX(agent_id) FILTER (WHERE shown) AS last"
    )
    body = f"COALESCE({_joined()}, '')"
    if not known_tags:  # all in one pass over the rows
        return f"{page} SELECT {summary}, {body} FROM page"  # noqa: S608 - all ours
    # CASE evaluates the body only if needed.
    known = f"tag IN ({', '.join(['%s'] * known_tags)})"
    return (
        f"{page}, tagged AS (SELECT {summary} FROM page) SELECT count, others, tag, last,"  # noqa: S608
        f" CASE WHEN {known} THEN NULL ELSE (SELECT {body} FROM page) END FROM tagged"
    )


# Without ORDER BY: rows arrive in the order of `found`.
def _joined() -> str:
    return dialect.join_rows(agent_as_json(), "shown")


def _tag() -> str:
    return dialect.fingerprint({name: field_of(name) for name in FIELDS}, "shown")
