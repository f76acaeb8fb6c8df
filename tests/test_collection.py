"""The tests that pytest finds have the fixtures of their folders."""

import subprocess
import sys
from pathlib import Path

ARGUMENTS = [
    "tests/agents/test_durations.py",
    "tests/test_services.py",
    "tests/agents/api/test_register.py",
]


def test_a_folder_keeps_its_fixtures_when_a_file_above_it_is_named() -> None:
    options = ["-q", "-p", "no:cacheprovider", "--setup-plan", "-k", "valid_hosts"]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *ARGUMENTS],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "fixture 'register' not found" not in done.stdout
    assert done.returncode == 0, done.stdout
