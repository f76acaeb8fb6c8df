"""The registry's compose.yaml, and that of a generated agent.

Images made from Debian's packages replace those of PostgreSQL and Redis, which cannot be pulled
everywhere. Otherwise only the sweep interval is changed.
"""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests import plain_http
from tests.deploygen.specs import spec_of
from tests.docker import agents, engine
from tests.docker.engine import docker
from tests.integration.registry_process import PROJECT, RegistryProcess, free_port
from tests.processes import wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("registry-image"),
]

STAND_INS = Path(__file__).parent / "stand_ins"
STAND_INS_IMAGE = engine.image_name("stand-ins")
COMPOSED_AGENT = engine.image_name("composed")
ECHO = "def handle(inputs): return {'echo': inputs}\n"


@dataclass(frozen=True)
class Project:
    """A running compose project."""

    command: tuple[str, ...]
    environment: dict[str, str]

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self.command, *arguments],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def container(self, service: str) -> str:
        return self("ps", "-q", service).strip()


@contextmanager
def project(command: list[str], *files: Path, **environment: str) -> Iterator[Project]:
    named = [f"--file={file}" for file in files]
    compose = Project((*command, f"--project-name=test{uuid.uuid4().hex}", *named), environment)
    try:
        yield compose
    finally:
        compose("down", "--volumes", "--timeout=5")


@pytest.fixture
def registry_project(
    registry_image: str, base: str, compose_command: list[str], tmp_path: Path
) -> Iterator[Project]:
    legacy = not engine.has_buildkit()
    build = ("build", "--network=host", f"--build-arg=BASE={base}", f"--tag={STAND_INS_IMAGE}")
    docker(*build, str(STAND_INS), legacy=legacy)
    redis = ["redis-server", "--save", "", "--appendonly", "no", "--protected-mode", "no"]
    sweeping = {"environment": {"SWEEP_INTERVAL_SECONDS": "1"}}
    ours = {service: {"image": registry_image} for service in ("migrate", "web", "worker", "beat")}
    services = ours | {
        "postgres": {"image": STAND_INS_IMAGE},
        "redis": {"image": STAND_INS_IMAGE, "command": redis},
        "worker": ours["worker"] | sweeping,
        "beat": ours["beat"] | sweeping,
    }
    override = tmp_path / "override.yaml"
    override.write_text(json.dumps({"services": services}))
    with project(
        compose_command,
        PROJECT / "compose.yaml",
        override,
        PORT=str(free_port()),
        SECRET_KEY="a key that is long enough for the tests, and used nowhere else",
        POSTGRES_PASSWORD="of/a:test@&",
    ) as compose:
        yield compose


def test_the_registry_runs_on_postgresql_and_redis(registry_project: Project) -> None:
    compose = registry_project
    compose("up", "--detach")
    url = f"http://127.0.0.1:{compose.environment['PORT']}"

    def is_ready() -> bool:
        try:
            return plain_http.get(f"{url}/health/ready", timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    wait_until(is_ready, "readiness of the registry")
    assert plain_http.get(f"{url}/health/ready").json()["database"] == "postgresql"
    web = engine.Container(compose.container("web"), "web")
    web.wait_until_healthy()
    body = {"agent_id": "in-a-container", "host": "h", "port": 80, "ttl_seconds": 1}
    refused = plain_http.post(f"{url}/agents/register", json=body)
    assert refused.status_code == httpx.codes.UNAUTHORIZED
    issue = ("python", "manage.py", "issue_token", "--quiet", "--read")
    headers = {"Authorization": f"Bearer {compose('exec', '-T', 'web', *issue).strip()}"}
    registered = plain_http.post(f"{url}/agents/register", json=body, headers=headers)
    assert registered.status_code == httpx.codes.CREATED
    # Static files of the registry and of packages.
    for path in (
        "/admin/login/",
        "/docs",
        "/static/agents/admin.css",
        "/static/admin/css/base.css",
    ):
        assert plain_http.get(url + path).status_code == httpx.codes.OK, path
    wait_until(
        lambda: (
            plain_http.get(f"{url}/agents/in-a-container", headers=headers).status_code
            == httpx.codes.NOT_FOUND
        ),
        "the purge by beat and worker",
    )
    listing = compose("exec", "-T", "web", "python", "manage.py", "list_agents", "--include-dead")
    assert "in-a-container" not in listing
    for service in ("web", "worker", "beat"):
        state = engine.Container(compose.container(service), service).state()
        assert (state["Running"], state["Restarting"]) == (True, False), compose("logs", service)


def test_a_generated_agent_registers_and_deregisters(
    registry: RegistryProcess, base: str, compose_command: list[str], tmp_path: Path
) -> None:
    port = free_port()
    agents.generate(
        tmp_path / "agent",
        ECHO,
        spec_of(registry.url, name=COMPOSED_AGENT, port=port, base_image=base),
    )
    engine.build(tmp_path / "agent", COMPOSED_AGENT, base=base)
    (tmp_path / "agent" / ".env").write_text("AGENT_ID=of-env\nAGENT_TTL_SECONDS=77\nAGENT_HOST=\n")
    with project(compose_command, tmp_path / "agent" / "compose.yaml") as compose:
        compose("up", "--detach", "--no-build")
        wait_until(lambda: "of-env" in registry.listed(), "the agent in the listing")
        entry = registry.listed()["of-env"]
        assert (entry["ttl_seconds"], entry["host"]) == (77, "localhost")
        url = f"http://{entry['host']}:{entry['port']}"
        assert plain_http.post(f"{url}/run", json={"a": 1}).json() == {"echo": {"a": 1}}
        [about] = json.loads(docker("inspect", compose.container(COMPOSED_AGENT)))
        assert about["HostConfig"]["ReadonlyRootfs"] is True
        compose("stop")
        assert registry.agent("of-env") is None
