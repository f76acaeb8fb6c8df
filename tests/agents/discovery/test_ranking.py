"""Whether people find what they look for, among some 160 agents with cards as they are written."""

import pytest
from django.test import Client

from agents import leases
from agents.leases import Application
from agents.tokens.enrollment import ANYBODY
from tests.agents.discovery.corpus import cards

pytestmark = pytest.mark.django_db

FIRST = 3
# Each with an agent that is to be among the first three.
QUERIES = {
    "weather forecast": "weather-eu",
    "will it rain in Paris next week": "weather-eu",
    "translate a contract from German to English": "legal-translator",
    "translation": "translator-pro",
    "book a flight": "flight-search",
    "find me a cheap flight to Tokyo": "flight-search",
    "file travel expense report": "expense-filer",
    "currency conversion": "fx-rates",
    "convert euros to dollars currency": "fx-rates",
    "review pull request": "code-review",
    "github": "code-review",
    "unit tests for my Python code": "unit-test-writer",
    "scan repository for leaked passwords": "secret-scanner",
    "transcribe a meeting recording": "speech-to-text",
    "summarise a long document": "summarizer",
    "why do my kubernetes pods crash": "k8s-operator",
    "read numbers from a scanned invoice": "invoice-reader",
    "side effects of drugs together": "drug-interactions",
    "lung x-ray": "medical-imaging",
    "restaurant reservation for tonight": "restaurant-booker",
    "track my parcel": "parcel-tracker",
    "who is on vacation": "vacation-desk",
    "WCAG": "accessibility-audit",
    "solve an equation": "math-solver",
    "postgresql query": "sql-writer",
    "charging stations for electric cars": "ev-charging",
    # With a typo.
    "wether forcast": "weather-us",
    "kuberntes": "k8s-operator",
    "tranlsation": "translator-pro",
    "vulnerabilty scaner": "vuln-scanner",
    # The beginning of a word, an id and a tag.
    "earthq": "earthquake-feed",
    "drone-pilot": "drone-pilot",
    "astronomy": "star-map",
}


@pytest.fixture
def _fleet() -> None:
    """Register the agents of the corpus."""
    leases.register_many(
        [
            Application(
                {"agent_id": agent_id, "host": "a.example", "port": 80, "agent_card": card},
                None,
                ANYBODY,
            )
            for agent_id, card in cards().items()
        ]
    )


@pytest.mark.usefixtures("_fleet")
def test_what_is_looked_for_comes_among_the_first_three(client: Client) -> None:
    missed = {}
    for text, expected in QUERIES.items():
        body = {"query": {"text": text}, "pageSize": FIRST}
        answer = client.post("/ard/search", body, content_type="application/json").json()
        found = [(one["identifier"].rpartition(":")[2], one["score"]) for one in answer["results"]]
        if expected not in dict(found):
            missed[text] = (expected, found)
    assert not missed
