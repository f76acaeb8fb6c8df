"""The wheel of the client, and the examples of its README."""

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).parents[3]
CLIENT = PROJECT / "deploygen" / "client"
EXAMPLE = re.compile(r"(?s)```python\n(.*?)```")


def build_wheel(folder: Path) -> Path:
    argv = [sys.executable, "-m", "uv", "build", "--wheel", "--no-build-isolation", "--offline"]
    subprocess.run([*argv, "--quiet", "--out-dir", str(folder), str(CLIENT)], check=True)
    [wheel] = folder.glob("*.whl")
    return wheel


def environment_with_wheel(folder: Path, registry_url: str) -> Mapping[str, str]:
    """Return an environment whose programs have the wheel's content, not the project's."""
    zipfile.ZipFile(build_wheel(folder)).extractall(folder)
    ours = {"AGENT_REGISTRY_URL": registry_url, "PYTHONPATH": str(folder), "PYTHONUNBUFFERED": "1"}
    return os.environ | ours


def example(sign: str) -> str:
    """Return the README's example with this in it."""
    texts: list[str] = EXAMPLE.findall((CLIENT / "README.md").read_text())
    [text] = [text for text in texts if sign in text]
    return text
