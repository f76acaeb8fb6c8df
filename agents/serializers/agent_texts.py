from collections.abc import Mapping

from django.core.exceptions import EmptyResultSet
from django.db import connection

from agents.querysets import AgentQuerySet
from agents.serializers.agent_page import rows_sql
from agents.serializers.agent_sql import ALL, agent_as_json


def read_texts(agents: AgentQuerySet, limit: int) -> Mapping[str, str]:
    try:
        sql, parameters = rows_sql(agents, limit)
    except EmptyResultSet:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH found ({', '.join(ALL)}) AS ({sql})"  # noqa: S608
            f" SELECT agent_id, {agent_as_json()} FROM found",
            parameters,
        )
        return dict(cursor.fetchall())
