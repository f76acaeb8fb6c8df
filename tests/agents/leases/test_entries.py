"""What the catalogs know of an agent follows from its last registration."""

import threading
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from agents import leases
from agents.discovery.search import Search
from agents.leases.entries import MOST_OF_DESCRIPTIONS
from agents.models import AgentCard, AgentRecord, CatalogEntry
from agents.tasks import delete_old_history
from tests.agents.conftest import Register, both_paths
from tests.agents.racing import Together, postgresql_only, racing
from tests.factories import AgentFactory

CARD = {
    "name": "Weather Europe",
    "description": "Forecasts of rain.",
    "skills": [
        {
            "id": "forecast",
            "name": "Daily forecast",
            "description": "Ten days ahead.",
            "tags": ["climate", "eu"],
            "examples": ["Will it rain?", "How warm is it?"],
        }
    ],
}


@pytest.fixture
def together() -> Iterator[Together]:
    """Run functions at the same moment."""
    with racing() as together:
        yield together


def found(text: str) -> list[str]:
    search = Search(AgentRecord.objects.alive(), text)
    return [one.agent_id for one in search.read(100)]


@pytest.mark.django_db
@both_paths
def test_an_entry_merges_the_record_and_the_card(api: APIClient, register: Register) -> None:
    register("a-1", tags=["x", "eu"], skills=["rain"], agent_card=CARD)

    entry = CatalogEntry.objects.get()
    assert entry.description == CARD["description"]
    assert entry.tags == ["x", "eu", "climate"]
    assert entry.capabilities == ["rain", "forecast"]
    assert entry.queries == ["Will it rain?", "How warm is it?"]
    assert entry.name_words == "a 1 weather europe"
    assert entry.skill_words == "rain x eu forecast daily climate"
    assert entry.about_words == "forecasts of rain ten days ahead"
    assert entry.more_words == "will it rain how warm is"


@pytest.mark.django_db
@both_paths
def test_registering_again_replaces_the_entry(api: APIClient, register: Register) -> None:
    register("a", agent_card=CARD)
    register("a", tags=["chess"])

    assert (CatalogEntry.objects.get().tags, found("forecast")) == (["chess"], [])
    assert found("chess") == ["a"]


@pytest.mark.django_db
def test_an_entry_is_written_only_if_it_changes(register: Register) -> None:
    register("a", agent_card=CARD)
    CatalogEntry.objects.update(description="as it was")

    register("a", agent_card=CARD)
    assert CatalogEntry.objects.get().description == "as it was"

    register("a", agent_card=CARD | {"name": "Other"})
    assert CatalogEntry.objects.get().description == CARD["description"]


@pytest.mark.django_db
def test_a_heartbeat_leaves_entries_alone(register: Register) -> None:
    register("a", agent_card=CARD)

    with CaptureQueriesContext(connection) as queries:
        leases.renew(agent_id="a", load=0.5)

    assert not [one["sql"] for one in queries if "catalog" in one["sql"].lower()]


@pytest.mark.django_db
def test_a_registration_that_fails_leaves_no_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    card = CARD | {"name": {1, 2}}  # cannot be written

    with pytest.raises(TypeError):
        leases.register(agent_id="a", host="h", port=1, agent_card=card)

    assert not AgentRecord.objects.exists()
    assert not CatalogEntry.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "card",
    [
        {"name": 5, "description": [], "skills": "none"},
        {"skills": [None, 1, "x", {"id": 7, "tags": "x", "examples": [1]}, {"tags": [5, "ok"]}]},
        {"skills": {"id": "x"}},
        {"skills": [{"id": "y" * 65, "examples": ["one"]}]},
    ],
)
def test_what_is_wrongly_shaped_in_a_card_is_left_out(register: Register, card: Any) -> None:
    register("a", agent_card=card)

    entry = CatalogEntry.objects.get()
    assert (entry.description, entry.capabilities, entry.queries) == ("", [], [])
    assert entry.tags in ([], ["ok"])


@pytest.mark.django_db
def test_a_long_text_is_cut_between_words(register: Register) -> None:
    words = [f"word{number:04}" for number in range(900)]
    register("a", agent_card={"description": " ".join(words)})

    kept = CatalogEntry.objects.get().about_words
    assert len(kept) <= MOST_OF_DESCRIPTIONS
    assert kept.split() == words[: len(kept.split())]
    assert found(words[0]) == ["a"]
    assert len(CatalogEntry.objects.get().description) == 1_000


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("GitHub", "github"),
        ("GitHub", "hub"),
        ("parseJSON", "json"),
        ("École", "ecole"),
        ("naïve Straße", "STRASSE"),
        ("Погода Москва", "москва"),
        ("translates", "translation"),
        ("cities", "city"),
        ("city", "cities"),
        ("car", "cars"),
        ("boxes", "box"),
        ("snake_case.name", "case"),
        ("v1.2", "v1"),
    ],
)
def test_words_are_found_in_other_spellings_and_forms(
    register: Register, said: str, wanted: str
) -> None:
    register("a", agent_card={"description": said})

    assert found(wanted) == ["a"]


@pytest.mark.django_db
def test_deregistering_deletes_the_entry(register: Register) -> None:
    register("a")
    leases.deregister(agent_id="a")

    assert not CatalogEntry.objects.exists()


@pytest.mark.django_db
def test_entries_of_purged_agents_are_deleted_with_old_history(register: Register) -> None:
    for agent_id in ("kept", "purged"):
        register(agent_id, agent_card=CARD)
    AgentRecord.objects.filter(pk="purged").delete()

    delete_old_history()

    assert list(CatalogEntry.objects.values_list("agent_id", flat=True)) == ["kept"]
    assert found("forecast") == ["kept"]


@postgresql_only
@pytest.mark.django_db(transaction=True)
def test_what_a_registration_is_writing_is_no_leftover(together: Together) -> None:
    """The record is not committed yet, while its card and entry are there from before."""
    for model in (AgentCard, CatalogEntry):
        model.objects.all().delete()
    leases.register(agent_id="a", host="h", port=1, agent_card=CARD)
    AgentRecord.objects.all().delete()
    written, cleaned = threading.Event(), threading.Event()

    def register() -> None:
        with transaction.atomic():
            leases.register(agent_id="a", host="h", port=1, agent_card=CARD)
            written.set()
            assert cleaned.wait(30)

    def clean() -> int:
        assert written.wait(30)
        try:
            return leases.delete_leftovers()
        finally:
            cleaned.set()

    assert together(register, clean)[1] == 0
    assert leases.card_of("a") == CARD
    assert found("forecast") == ["a"]


@pytest.mark.django_db
def test_the_migration_adds_the_entries_of_agents_that_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    migration = import_module("agents.migrations.0013_catalog_entries")
    monkeypatch.setattr(migration, "BATCH_SIZE", 2)
    for number in range(5):
        AgentFactory.create(agent_id=f"a{number}", tags=["chess"], generation=number + 10)
    AgentCard.objects.create(agent_id="a1", generation=11, card=CARD)
    AgentCard.objects.create(agent_id="a2", generation=1, card=CARD)
    CatalogEntry.objects.create(agent_id="a4", digest="newer")

    migration.add_entries(apps, None)

    assert found("chess") == ["a0", "a1", "a2", "a3"]
    assert found("rain") == ["a1"]
    assert CatalogEntry.objects.get(agent_id="a4").digest == "newer"


@pytest.mark.django_db
def test_the_command_makes_entries_that_are_missing_or_wrong(
    register: Register, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(5):
        register(f"a{number}", agent_card=CARD)
    CatalogEntry.objects.filter(agent_id="a1").delete()
    CatalogEntry.objects.filter(agent_id="a3").update(about_words="chess", digest="")

    assert leases.reindex(batch_size=2) == 2
    assert found("rain") == [f"a{number}" for number in range(5)]
    assert found("chess") == []

    call_command("index_agents")
    assert capsys.readouterr().out == "0 entries were missing or wrong.\n"
