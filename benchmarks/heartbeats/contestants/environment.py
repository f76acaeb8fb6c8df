"""A virtual environment for contestants from PyPI, created at the first run."""

import subprocess
import sys
from pathlib import Path

from benchmarks.programs import PROJECT, Missing

REQUIREMENTS = PROJECT / "benchmarks" / "heartbeats" / "peers" / "requirements.txt"


def peers_python(environments: Path) -> Path:
    """Return its interpreter. Raises Missing."""
    home = environments / "peers"
    python, stamp = home / "bin" / "python", home / "installed"
    wanted = REQUIREMENTS.read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"Installing the peers of {REQUIREMENTS.relative_to(PROJECT)}", flush=True)
    pip = (python, "-m", "pip", "-qq", "--disable-pip-version-check", "--no-input")
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        subprocess.run([*pip, "install", "--requirement", REQUIREMENTS], check=True)
    except subprocess.CalledProcessError as error:
        raise Missing(f"its packages cannot be installed: {error}") from error
    stamp.write_text(wanted)
    return python
