import os
import socket
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from registry_project.local.programs import registry_programs
from registry_project.management.commands.start_registry import default_workers


def test_a_taken_port_ends_the_command_before_anything_starts() -> None:
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
def test_numbers_out_of_range_are_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("start_registry", *arguments)


def test_the_default_is_one_web_process_on_sqlite_and_one_per_cpu_elsewhere() -> None:
    expected = 1 if connection.vendor == "sqlite" else os.cpu_count()

    assert default_workers() == expected


def test_a_registry_runs_web_worker_and_beat() -> None:
    programs = registry_programs("127.0.0.1", 9000, 3)

    assert [program.name for program in programs] == ["web", "worker", "beat"]
    assert all(program.argv[0] == sys.executable for program in programs)
    assert {"--bind=127.0.0.1:9000", "--workers=3"} <= set(programs[0].argv)


def test_an_ipv6_address_gets_brackets() -> None:
    web = registry_programs("::1", 9000, 1)[0]

    assert "--bind=[::1]:9000" in web.argv


def test_the_project_is_added_to_the_programs_python_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")

    for program in registry_programs("127.0.0.1", 9000, 1):
        project, elsewhere = program.environment["PYTHONPATH"].split(os.pathsep)
        assert elsewhere == "/elsewhere"
        assert (Path(project) / "manage.py").exists()
