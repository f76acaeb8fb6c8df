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
from agents.database.clock import Compiled
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
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH found ({', '.join(FIELDS)}) AS ({sql}), {_reading(len(known_tags))}",
            [*parameters, limit, *known_tags],
        )
        count, others, tag, last, body = cursor.fetchone()
    return Page(count, tag, body, last if others else None)


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
    page = "page AS (SELECT *, ROW_NUMBER() OVER () <= %s AS shown FROM found)"
    others = "COUNT(*) FILTER (WHERE NOT shown)"
    # Of who follows on the next page, nothing but that somebody does is a part of this one.
    about = (
        f"COUNT(*) FILTER (WHERE shown) AS count, {others} AS others,"
        f" {_tag()} || '-' || {others} AS tag, MAX(agent_id) FILTER (WHERE shown) AS last"
    )
    body = f"COALESCE({_joined()}, '')"
    if not known_tags:  # all in one pass over the rows
        return f"{page} SELECT {about}, {body} FROM page"  # noqa: S608 - all ours
    # What stands in CASE is not evaluated where it is not needed.
    known = f"tag IN ({', '.join(['%s'] * known_tags)})"
    return (
        f"{page}, tagged AS (SELECT {about} FROM page) SELECT count, others, tag, last,"  # noqa: S608
        f" CASE WHEN {known} THEN NULL ELSE (SELECT {body} FROM page) END FROM tagged"
    )


# Rows come in the order in which `found` gives them; an order in the call would sort them again.
def _joined() -> str:
    function = "GROUP_CONCAT" if connection.vendor == "sqlite" else "STRING_AGG"
    return f"{function}({agent_as_json()}, ',') FILTER (WHERE shown)"


def _tag() -> str:
    """Return SQL for a text that changes with whatever column of a row does."""
    if connection.vendor == "sqlite":
        # Django's function. Of a number, JSON_ARRAY by itself would leave digits out.
        values = ", ".join(as_json(name) if name == "load" else name for name in FIELDS)
        rows = f"GROUP_CONCAT(JSON_ARRAY({values}), ',') FILTER (WHERE shown)"
        return f"SHA1(COALESCE({rows}, ''))"
    row = f"HASH_RECORD_EXTENDED(ROW({', '.join(FIELDS)}), 0)"
    return f"COALESCE(SUM({row}) FILTER (WHERE shown), 0)"
