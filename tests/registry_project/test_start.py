"""What a web process leaves to the first call that needs it."""

import subprocess
import textwrap
from pathlib import Path

from tests.integration.registry_process import MANAGE, environment_for

LATER = {"apprise", "deploygen.spec.model", "mcp", "mozilla_django_oidc", "pydantic", "redis"}


FIRST_CALLS_AT_ONCE = """
    import sys, threading
    import django
    django.setup()
    from agents.rate_limits import Counter

    begun, ended = threading.Event(), threading.Event()

    class Slow:
        def find_spec(self, name, path, target=None):
            if name == "redis.sentinel":  # the last but one of its modules
                begun.set()
                ended.wait(0.5)

    sys.meta_path.insert(0, Slow())
    threading.Thread(target=Counter, args=["redis://127.0.0.1:1"]).start()
    begun.wait()
    Counter("redis://127.0.0.1:1")
    ended.set()
"""


def run_python(code: str, folder: Path) -> str:
    done = subprocess.run(
        [MANAGE[0], "-c", code],
        cwd=Path(MANAGE[1]).parent,
        env=environment_for(folder) | {"DJANGO_SETTINGS_MODULE": "registry_project.settings"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_web_process_starts_without_what_few_calls_need(tmp_path: Path) -> None:
    code = "import sys, registry_project.wsgi, registry_project.urls; print(*sys.modules)"

    assert not LATER & set(run_python(code, tmp_path).split())


def test_the_first_calls_that_count_in_redis_may_come_at_once(tmp_path: Path) -> None:
    run_python(textwrap.dedent(FIRST_CALLS_AT_ONCE), tmp_path)
