import os
import subprocess
import sys
from pathlib import Path

import pytest

from registry_project.server.metrics_folder import VARIABLE, open_metrics_folder, share_counters
from tests.integration.registry_process import PROJECT

SERVER = """
import sys
from pathlib import Path
from registry_project.server.metrics_folder import open_metrics_folder
print(open_metrics_folder([Path(sys.argv[1])]), flush=True)
sys.stdin.read()
"""


def start_server(parent: Path) -> tuple[subprocess.Popen[str], Path]:
    """Start a process that opens a folder, and exits when its input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(parent)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_the_folder_of_a_killed_server_is_removed_and_that_of_a_running_one_is_kept(
    tmp_path: Path,
) -> None:
    killed, left = start_server(tmp_path)
    running, used = start_server(tmp_path)
    (left / "counter_7.db").touch()
    assert left.is_dir()
    with killed, running:
        killed.kill()
        killed.wait()

        own = open_metrics_folder([tmp_path])

        assert set(tmp_path.iterdir()) == {used, own}
        assert left not in {used, own}


def test_the_next_parent_is_used_if_the_first_is_not_writable(tmp_path: Path) -> None:
    folder = open_metrics_folder([tmp_path / "nowhere", tmp_path])

    assert folder.parent == tmp_path


def test_a_configured_folder_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "/srv/metrics")
    share_counters([tmp_path])

    assert os.environ[VARIABLE] == "/srv/metrics"
    assert not list(tmp_path.iterdir())


def test_a_server_that_replaces_another_gets_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.delenv(VARIABLE)
    share_counters([tmp_path])
    first = os.environ[VARIABLE]
    share_counters([tmp_path])

    assert os.environ[VARIABLE] != first
    assert len(list(tmp_path.iterdir())) == 2
