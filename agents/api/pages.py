"""A page of agents as the database gives it: its JSON, and a tag that is another when it is.

One statement does both, so that the tag is of that very page; and where the caller has the page
already, the tag says so, and no JSON is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Func
from django.db.models.sql.compiler import SQLCompiler

from agents.api.json_sql import FIELDS, agent_as_json, as_json, columns
from agents.clock import Compiled
from agents.querysets import AgentQuerySet


@dataclass(frozen=True)
class Page:
    """`body`: the agents in JSON, with commas between them; None when the caller has `tag`.

    `next_after` is the last id of a page that others follow, else None.
    """

    count: int
    tag: str
    body: str | None
    next_after: str | None


def read_page(agents: AgentQuerySet, limit: int, known_tags: Sequence[str] = ()) -> Page:
    """Read the first `limit` of `agents` in the order of their ids.

    `known_tags` are those of the pages that the caller has.
    """
    # One more than is shown tells whether others follow; that is a part of the page as well.
    found = agents.order_by("pk").annotate(row=Row()).values("row")[: limit + 1]
    sql, parameters = found.query.sql_with_params()
    found_sql = f"WITH found ({', '.join(FIELDS)}) AS MATERIALIZED ({sql})"
    with connection.cursor() as cursor:
        cursor.execute(
            f"{found_sql}, {_reading(len(known_tags))}",
            [*parameters, limit, limit, *known_tags, limit, limit - 1],
        )
        count, tag, body, next_after = cursor.fetchone()
    return Page(min(count, limit), tag, body, next_after)


class Row(Func):
    """All columns of a page at once: for twenty expressions the ORM takes longer than for all."""

    arity = 0
    output_field = BooleanField()

    def as_sql(  # type: ignore[override]
        self, _compiler: SQLCompiler, _connection: BaseDatabaseWrapper, **_context: Any
    ) -> Compiled:
        return columns(), []


@cache
def _reading(known_tags: int) -> str:
    # What stands in CASE is not evaluated where it is not needed.
    whole = f"(SELECT {_joined()} FROM (SELECT * FROM page ORDER BY agent_id) AS page)"  # noqa: S608
    known = f"tag IN ({', '.join(['%s'] * known_tags)})" if known_tags else "FALSE"
    # Of who follows on the next page, nothing but that somebody does is a part of this one.
    return (
        "page AS MATERIALIZED (SELECT * FROM found ORDER BY agent_id LIMIT %s),"  # noqa: S608
        " total AS (SELECT COUNT(*) AS count FROM found),"
        f" tagged AS (SELECT count, (SELECT {_tag()} FROM page)"
        " || CASE WHEN count > %s THEN '-1' ELSE '-0' END AS tag FROM total)"
        f" SELECT count, tag, CASE WHEN {known} THEN NULL ELSE COALESCE({whole}, '') END,"
        " CASE WHEN count > %s THEN"
        " (SELECT agent_id FROM page ORDER BY agent_id LIMIT 1 OFFSET %s) END FROM tagged"
    )


def _joined() -> str:
    if connection.vendor == "sqlite":
        # In the order in which the subquery gives them; an order in the call is of SQLite 3.44.
        return f"GROUP_CONCAT({agent_as_json()}, ',')"
    return f"STRING_AGG({agent_as_json()}, ',' ORDER BY agent_id)"


def _tag() -> str:
    """Return SQL for a text that changes with whatever column of a row does."""
    if connection.vendor == "sqlite":
        # Django's function. Of a number, JSON_ARRAY by itself would leave digits out.
        values = ", ".join(as_json(name) if name == "load" else name for name in FIELDS)
        return f"SHA1(COALESCE(GROUP_CONCAT(JSON_ARRAY({values}), ','), ''))"
    return "COUNT(*) || '-' || COALESCE(SUM(HASH_RECORD_EXTENDED(page, 0)), 0)"
