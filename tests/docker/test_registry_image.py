"""The registry's own image, run by the commands of compose.yaml.

A PostgreSQL and a Redis that are processes here stand in for the images that it would pull.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.docker import engine
from tests.docker.engine import Container, docker
from tests.integration.postgres_cluster import running_cluster
from tests.integration.registry_process import PROJECT, free_port
from tests.processes import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

IMAGE = "agent-test-registry:local"
MOST_BYTES = 150_000_000
Run = Callable[..., Container]


@pytest.fixture(scope="module")
def image(base: str) -> str:
    arguments = ("--network=host", f"--build-arg=BASE={base}", f"--tag={IMAGE}")
    docker("build", *arguments, str(PROJECT), legacy=not engine.has_buildkit())
    return IMAGE


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    document = yaml.safe_load((PROJECT / "compose.yaml").read_text())
    services: dict[str, Any] = document["services"]
    return services


@pytest.fixture
def run(
    image: str, services: dict[str, Any], postgres_programs: Path, redis_url: str
) -> Iterator[Run]:
    """Run a service of compose.yaml as that says, but on the machine's network."""
    with ExitStack() as stack:
        environment = {
            "DATABASE_URL": stack.enter_context(running_cluster(postgres_programs)).url,
            "CELERY_BROKER_URL": redis_url,
            "SECRET_KEY": "a key that is long enough for the tests, and used nowhere else",
            "ALLOWED_HOSTS": "*",
            "SWEEP_INTERVAL_SECONDS": "1",
        }
        assert set(services["web"]["environment"]) >= set(environment) - {"SWEEP_INTERVAL_SECONDS"}

        def started(service: str, *more: str, command: tuple[str, ...] = ()) -> Container:
            given = services[service]
            assert given["read_only"] is True
            tmpfs = [f"--tmpfs={path}" for path in given["tmpfs"]]
            container = engine.running(
                image,
                f"test-{service}-{uuid.uuid4()}",
                *tmpfs,
                *more,
                environment=environment,
                command=command or given.get("command", ()),
            )
            return stack.enter_context(container)

        yield started


def test_it_is_small_and_runs_without_root(image: str) -> None:
    plain, _ = engine.sizes(image)
    assert plain < MOST_BYTES
    assert docker("inspect", "--format={{.Config.User}}", image) == "65532:65532"


def test_one_image_is_migrate_web_worker_and_beat(run: Run, image: str) -> None:
    migrate = run("migrate")
    assert docker("wait", migrate.id) == "0", migrate.logs()
    port = free_port()
    [command] = docker("inspect", '--format={{join .Config.Cmd " "}}', image).splitlines()
    check = f"import sys; from registry_project.healthcheck import main; sys.exit(main({port}))"
    web = run(
        "web",
        "--health-cmd=none",
        command=(*command.split(), f"--bind=127.0.0.1:{port}"),
    )
    worker, beat = run("worker"), run("beat")
    url = f"http://127.0.0.1:{port}"

    def is_ready() -> bool:
        assert web.state()["Running"], web.logs()
        try:
            return httpx.get(f"{url}/health/ready", timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    wait_until(is_ready, "readiness of the registry")
    docker("exec", web.id, "python", "-c", check)
    body = {"agent_id": "in-a-container", "host": "h", "port": 80, "ttl_seconds": 1}
    assert httpx.post(f"{url}/agents/register", json=body).status_code == httpx.codes.CREATED
    # A page with files of its own, and one with those of a package.
    for path in (
        "/admin/login/",
        "/docs",
        "/static/agents/admin.css",
        "/static/admin/css/base.css",
    ):
        assert httpx.get(url + path).status_code == httpx.codes.OK, path

    def is_purged() -> bool:
        for container in (worker, beat):
            assert container.state()["Running"], container.logs()
        answer = httpx.get(f"{url}/agents/in-a-container")
        return answer.status_code == httpx.codes.NOT_FOUND

    wait_until(is_purged, "the purge, which beat asks for and the worker does")
    assert "in-a-container" not in docker("exec", web.id, "python", "manage.py", "list_agents")


def test_on_its_own_it_keeps_its_data_in_a_volume(image: str) -> None:
    volume = f"test-{uuid.uuid4()}"
    options = (
        "--rm",
        "--network=host",
        *engine.HARDENED,
        "--tmpfs=/tmp",
        f"--volume={volume}:/data",
    )
    try:
        docker("run", *options, image, "python", "manage.py", "migrate", "--verbosity=0")
        told = docker("run", *options, image, "python", "manage.py", "list_agents", "--json")
    finally:
        docker("volume", "rm", "--force", volume)
    assert told == "[]"
