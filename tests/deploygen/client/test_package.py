"""The client package stands alone, and agents get the part of it that registers."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

from deploygen import client
from deploygen.output.package import CLIENT as REGISTRATION

CLIENT = Path(client.__file__).parent


def test_the_client_imports_only_httpx_and_the_standard_library() -> None:
    roots = set()
    for path in CLIENT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                roots |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                roots.add(str(node.module).split(".")[0])
            elif isinstance(node, ast.ImportFrom):
                depth = len(path.relative_to(CLIENT).parts)
                assert node.level <= depth, f"{path} reaches out of the package"
    assert roots - sys.stdlib_module_names == {"httpx"}


def test_the_part_that_agents_get_works_by_itself(tmp_path: Path) -> None:
    shutil.copytree(REGISTRATION, tmp_path / "their_client")
    code = """
import asyncio
from their_client import AgentRegistryClient, RegistryUnavailable
client = AgentRegistryClient("http://127.0.0.1:9", "a-program")
try:
    asyncio.run(client.register())
except RegistryUnavailable:
    print("away")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "away\n", done.stderr
