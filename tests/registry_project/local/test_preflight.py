import socket
from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from registry_project.local.preflight import PreflightError, check_address, check_migrations


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_free_port_passes_and_stays_free(taken_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    check_address("127.0.0.1", port)
    check_address("127.0.0.1", port)


def test_a_taken_port_is_reported_with_a_free_one(taken_port: int) -> None:
    with pytest.raises(PreflightError) as caught:
        check_address("127.0.0.1", taken_port)

    message = str(caught.value)
    assert message.startswith(f"Port {taken_port} on 127.0.0.1 is in use by another program")
    other = int(message.rsplit(" ", 1)[1])
    assert f"make run PORT={other}" in message
    check_address("127.0.0.1", other)


def test_no_other_port_is_suggested_if_none_is_found() -> None:
    """There is none after the last port."""
    with socket.create_server(("127.0.0.1", 65535)), pytest.raises(PreflightError) as caught:
        check_address("127.0.0.1", 65535)

    assert "choose another" in str(caught.value)
    assert "is free" not in str(caught.value)


def test_a_port_taken_on_one_address_is_taken_on_all(taken_port: int) -> None:
    with pytest.raises(PreflightError, match="is in use"):
        check_address("0.0.0.0", taken_port)  # noqa: S104


def test_a_name_that_does_not_resolve_is_reported() -> None:
    with pytest.raises(PreflightError, match=r"^no\.such\.host\.invalid is not an address"):
        check_address("no.such.host.invalid", 9000)


def test_an_address_of_another_machine_is_reported() -> None:
    with pytest.raises(PreflightError, match=r"cannot listen on 192\.0\.2\.1"):
        check_address("192.0.2.1", 9000)  # TEST-NET-1, RFC 5737: unassigned


@pytest.mark.django_db
def test_a_migrated_database_passes() -> None:
    check_migrations()


@pytest.mark.django_db
def test_a_missing_migration_is_reported_with_the_command_to_run() -> None:
    MigrationRecorder(connection).record_unapplied("sessions", "0001_initial")

    with pytest.raises(PreflightError, match=r"\(sessions 0001_initial\).*manage\.py migrate"):
        check_migrations()
