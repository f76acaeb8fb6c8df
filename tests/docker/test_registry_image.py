"""The registry's image by itself; test_compose.py runs it with all services."""

import uuid

import pytest

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
