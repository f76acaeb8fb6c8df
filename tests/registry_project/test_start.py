"""What a web process leaves to the first call that needs it."""

import subprocess
from pathlib import Path

from tests.integration.registry_process import MANAGE, environment_for

LATER = {"apprise", "deploygen.spec.model", "mcp", "mozilla_django_oidc", "pydantic", "redis"}


def test_a_web_process_starts_without_what_few_calls_need(tmp_path: Path) -> None:
    code = "import sys, registry_project.wsgi, registry_project.urls; print(*sys.modules)"
    done = subprocess.run(
        [MANAGE[0], "-c", code],
        cwd=Path(MANAGE[1]).parent,
        env=environment_for(tmp_path),
        check=True,
        capture_output=True,
        text=True,
    )
    assert not LATER & set(done.stdout.split())
