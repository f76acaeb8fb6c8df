"""The registry's image by itself; test_compose.py runs it with all services."""

import json
import subprocess
import uuid

import pytest

from tests.agents.receiver import receiving
from tests.docker import engine
from tests.docker.engine import docker

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("registry-image"),
]

MOST_BYTES = 150_000_000


def test_the_registry_image_is_small_and_runs_without_root(registry_image: str) -> None:
    plain, _ = engine.sizes(registry_image)
    assert plain < MOST_BYTES
    assert docker("inspect", "--format={{.Config.User}}", registry_image) == "65532:65532"


def test_without_other_services_data_is_kept_in_a_volume(registry_image: str) -> None:
    volume = f"test-{uuid.uuid4()}"
    options = (
        "--rm",
        "--network=host",
        *engine.HARDENED,
        "--tmpfs=/tmp",
        f"--volume={volume}:/data",
    )
    try:
        docker("run", *options, registry_image, "python", "manage.py", "migrate", "--verbosity=0")
        listing = docker(
            "run", *options, registry_image, "python", "manage.py", "list_agents", "--json"
        )
    finally:
        docker("volume", "rm", "--force", volume)
    assert listing == "[]"


def test_messages_are_sent_by_apprise(registry_image: str) -> None:
    """The image lacks parts of the standard library, and apprise is guarded there, too."""
    program = ["python", "-B", "-m", "agents.notifications.channels.apprise_process"]
    run = ["docker", "run", "--rm", "--interactive", "--network=host", *engine.HARDENED]
    message = {"title": "a title", "body": "a text", "level": "info"}
    with receiving() as receiver:
        job = {
            "url": f"json://127.0.0.1:{receiver.port}/",
            "messages": [message],
            "networks": ["127.0.0.1"],
        }
        done = subprocess.run(
            [*run, registry_image, *program],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            check=True,
        )

    assert json.loads(done.stdout) == {"sent": True, "reason": ""}
    assert json.loads(receiver.received[0].body)["message"] == "a text"
