import gzip

import pytest
from django.test import Client

from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db
GZIP = {"Accept-Encoding": "gzip, deflate, br"}


def test_a_page_is_compressed_for_browsers_that_take_it(admin_client: Client) -> None:
    AgentFactory.create_batch(20)
    plain = admin_client.get("/admin/agents/agentrecord/")
    answer = admin_client.get("/admin/agents/agentrecord/", headers=GZIP)

    assert "Content-Encoding" not in plain
    assert answer["Content-Encoding"] == "gzip"
    assert len(answer.content) < len(plain.content) / 4
    assert b"data-agent=" in gzip.decompress(answer.content)


@pytest.mark.parametrize("path", ["/agents", "/admin/overview/", "/health"])
def test_answers_to_programs_and_refreshed_parts_are_not(admin_client: Client, path: str) -> None:
    AgentFactory.create_batch(20)
    answer = admin_client.get(path, headers=GZIP | {"Accept": "*/*"})
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer
