"""How many connections a web process keeps."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from registry_project.server.memory import available_memory
from registry_project.server.places import BYTES_PER_CONNECTION, MEMORY_SHARE, SPARE_FILES
from tests.integration.registry_process import PROJECT
from tests.registry_project.server.web_server import running_server

PLACES = """
import json, resource, sys
from registry_project.server.places import connection_places
places = connection_places(0, int(sys.argv[1]), None)
print(json.dumps([places, *resource.getrlimit(resource.RLIMIT_NOFILE)]))
"""


def with_few_files(kind: str, files: int) -> list[str]:
    return ["sh", "-c", f'ulimit {kind} -n {files}; exec "$@"', "sh"]


@pytest.mark.parametrize("processes", [64, 256])
def test_each_process_has_its_part_of_the_memory_for_connections(processes: int) -> None:
    argv = [*with_few_files("-S", 64), sys.executable, "-c", PLACES, str(processes)]
    done = subprocess.run(argv, cwd=PROJECT, stdout=subprocess.PIPE, check=True)

    places, soft, hard = json.loads(done.stdout)
    part = available_memory() * MEMORY_SHARE / processes / BYTES_PER_CONNECTION
    assert places == int(part)
    assert soft == places + SPARE_FILES <= hard


def test_too_few_files_for_the_connections_that_are_set_are_logged(tmp_path: Path) -> None:
    many = "worker_connections = 1_000\n"
    with running_server(tmp_path, with_few_files("", 300), configuration=many) as server:
        assert "leaves 176 connections to a process instead of 1000" in server.log.read_text()
