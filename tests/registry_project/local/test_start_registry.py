import os
import socket
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from registry_project.local.programs import registry_programs
from registry_project.management.commands.start_registry import default_workers


def test_a_taken_port_ends_the_command_before_anything_is_started() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} on 127.0.0.1 is in use"):
            call_command("start_registry", host="127.0.0.1", port=port)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "0"], "0 is not a port"),
        (["--port", "65536"], "65536 is not a port"),
        (["--workers", "0"], "0 is not positive"),
        (["--workers", "many"], "invalid"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("start_registry", *arguments)


def test_sqlite_gets_one_web_process_and_other_databases_one_for_each_processor() -> None:
    expected = 1 if connection.vendor == "sqlite" else os.cpu_count()

    assert default_workers() == expected


def test_a_registry_is_made_of_web_worker_and_beat() -> None:
    programs = registry_programs("127.0.0.1", 9000, 3)

    assert [program.name for program in programs] == ["web", "worker", "beat"]
    assert all(program.argv[0] == sys.executable for program in programs)
    assert {"--bind=127.0.0.1:9000", "--workers=3"} <= set(programs[0].argv)


def test_an_ipv6_address_is_written_with_brackets() -> None:
    web = registry_programs("::1", 9000, 1)[0]

    assert "--bind=[::1]:9000" in web.argv


def test_the_programs_find_the_project_and_what_else_was_on_the_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")

    for program in registry_programs("127.0.0.1", 9000, 1):
        project, elsewhere = program.environment["PYTHONPATH"].split(os.pathsep)
        assert elsewhere == "/elsewhere"
        assert (Path(project) / "manage.py").exists()
