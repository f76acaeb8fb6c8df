"""The pages of the admin, and the agents on its list."""

from typing import Any

from django.test import Client

AGENTS = "/admin/agents/agentrecord/"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def page(client: Client, url: str = AGENTS, **query: Any) -> str:
    response = client.get(url, query)
    assert response.status_code == 200
    return response.content.decode()


def listed(client: Client, **query: Any) -> list[str]:
    """Return the ids of the agents on the list, in its order."""
    response = client.get(AGENTS, query)
    assert response.status_code == 200
    return [agent.pk for agent in response.context["cl"].result_list]
