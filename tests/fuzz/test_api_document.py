"""Every call of the OpenAPI document, with valid and invalid input."""

from pathlib import Path
from urllib.parse import quote

import pytest

from tests import plain_http
from tests.fuzz.api_document import ApiDocument
from tests.fuzz.fuzzing import Turn
from tests.fuzz.own_registry import Target, environment_of, running_target
from tests.integration.registry_process import migrate

# The files that use the target share one.
pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("fuzz-target")]

SEED = 20_262
# Not 201: few drawn registrations are valid, and only some runs have one.
STATUSES = {200, 400, 404, 422}
REFUSALS = {401, 403, 429}
MOST_INPUTS = 2_000


def deregister_all(url: str) -> None:
    """Remove all agents, since other tests may have registered the ids used here."""
    while agents := plain_http.get(f"{url}/agents?include_dead=true").json():
        for agent in agents:
            plain_http.request("DELETE", f"{url}/agents/{quote(agent['agent_id'], safe='')}")


@pytest.mark.timeout(600)
def test_the_registry_answers_as_documented(target: Target) -> None:
    deregister_all(target.url)
    document = ApiDocument(target.url, SEED)
    assert len(document.calls) >= 8

    document.take(Turn(inputs=180))
    # What Hypothesis draws depends on the modules that other tests have imported.
    while not document.statuses.keys() >= STATUSES and document.tried < MOST_INPUTS:
        document.take(Turn(inputs=60))

    assert document.failures == []
    assert document.tried >= 180
    assert document.statuses.keys() >= STATUSES


def test_the_document_covers_wrong_tokens_and_rate_limits(tmp_path: Path) -> None:
    rates = {"RATE_WRONG_TOKENS_PER_ADDRESS": "10/hour"}
    environment = environment_of(tmp_path) | {"REGISTRY_AUTH": "token"} | rates
    migrate(environment)
    with running_target(tmp_path, environment) as target:
        document = ApiDocument(target.url, SEED)
        while not document.statuses.keys() >= REFUSALS and document.tried < MOST_INPUTS:
            document.take(Turn(inputs=120))

    assert document.failures == []
    assert document.statuses.keys() >= REFUSALS


def test_an_undocumented_answer_is_detected(target: Target) -> None:
    """404 and 422 are removed from the document."""
    document = ApiDocument(target.url, SEED)
    for path in document.document["paths"].values():
        for call in path.values():
            call["responses"].pop("404", None)
            call["responses"].pop("422", None)
    document.load()

    document.take(Turn(inputs=60))

    assert any("Undocumented status code" in failure.problem for failure in document.failures)
