"""Searches ignore the case of letters in every script, whatever locale PostgreSQL has."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from django.core import checks
from django.db import connection, connections
from pytest_django import DjangoDbBlocker

from agents.models import AgentRecord
from tests.factories import AgentFactory

NewDatabase = Callable[[str], None]
NAMES = ["Агент Москва 1", "straße 5", "école", "at 100% é load", "is a_b", r"C:\X"]


@pytest.fixture
def new_database(django_db_blocker: DjangoDbBlocker) -> Iterator[NewDatabase]:
    """A function that creates a database with the given options and switches to it."""
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL")
    name, used = f"letters_{uuid4().hex}", connection.settings_dict["NAME"]

    def create(options: str) -> None:
        with maintenance() as cursor:
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0 {options}".encode())
        connection.settings_dict["NAME"] = name
        with connection.schema_editor() as editor:
            editor.create_model(AgentRecord)

    connections.close_all()
    try:
        with django_db_blocker.unblock():
            yield create
            connections.close_all()
    finally:
        connection.settings_dict["NAME"] = used
        with maintenance() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}".encode())


@contextmanager
def maintenance() -> Iterator[psycopg.Cursor]:
    settings = connection.settings_dict
    with psycopg.connect(
        host=settings["HOST"] or None,
        port=settings["PORT"] or None,
        user=settings["USER"] or None,
        password=settings["PASSWORD"] or None,
        dbname="postgres",
        autocommit=True,
    ) as maintaining:
        yield maintaining.cursor()


def names_found(text: str) -> list[str]:
    return [agent.agent_name for agent in AgentRecord.objects.search(text).order_by("pk")]


def warnings() -> list[str | None]:
    return [
        message.id for message in checks.run_checks(databases=["default"]) if message.level >= 30
    ]


@pytest.mark.parametrize(
    "locale", ["LOCALE 'C'", "LOCALE 'C.UTF-8'", "LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'und'"]
)
def test_search_ignores_case_in_every_script(new_database: NewDatabase, locale: str) -> None:
    new_database(f"ENCODING 'UTF8' {locale}")
    for number, name in enumerate(NAMES):
        AgentFactory.create(agent_id=str(number), agent_name=name)

    for text in ["москва", "МОСКВА", "STRAßE", "ÉCOLE", "100% É", "a_b", "c:\\", "É%", "É_"]:
        assert names_found(text) == [
            name for name in NAMES if text.casefold() in name.casefold()
        ], text
    assert warnings() == []


def test_a_check_warns_of_a_database_that_folds_only_ascii(
    new_database: NewDatabase,
) -> None:
    new_database("ENCODING 'SQL_ASCII' LOCALE 'C'")
    AgentFactory.create(agent_id="a", agent_name="Москва")

    assert names_found("Москва") == ["Москва"]
    assert names_found("москва") == []
    assert warnings() == ["registry.W004"]


@pytest.mark.django_db
def test_the_test_database_causes_no_warning() -> None:
    assert warnings() == []
