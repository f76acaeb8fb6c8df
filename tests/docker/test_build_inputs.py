"""What a build takes besides Python packages: packages of the system, and secrets of its steps."""

import hashlib
import uuid
from pathlib import Path

import pytest

from deploygen.output.rendering import render
from deploygen.output.writing import write_folder
from deploygen.spec.errors import make_spec
from tests.docker import agents, engine
from tests.docker.engine import DockerError, docker
from tests.docker.test_image import contents, saved

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("docker"),
]

SECRET = "hunter2-of-a-step"
CALLS_JQ = """\
import subprocess
def handle(inputs):
    command = ["jq", "-r", ".a"]
    done = subprocess.run(command, input='{"a": "b"}', capture_output=True, text=True)
    return {"output": done.stdout, "error": done.stderr}
"""
READS_DIGEST = """\
from pathlib import Path
def handle(inputs):
    return {"digest": Path("digest").read_text().split()[0]}
"""
WRITES_DIGEST = 'printf "%s" "$TOKEN" | sha256sum > digest'
HAS_NO_TOKEN = 'test -z "${TOKEN:-}" && test ! -e /run/secrets/TOKEN'


def generate(folder: Path, handler: str, **fields: object) -> None:
    spec = make_spec({"name": "an-agent", "registry": False, **fields})
    write_folder(folder, render(spec, {"handler.py": handler}))


@pytest.mark.parametrize("slim", [True, False])
def test_a_program_of_the_system_runs_in_the_image(
    base: str, image: str, tmp_path: Path, slim: bool
) -> None:
    generate(tmp_path / "agent", CALLS_JQ, system_packages=["jq"], slim=slim)
    engine.build(tmp_path / "agent", image, base=base)
    with agents.running_agent(image) as agent:
        agent.container.wait_until_healthy()
        assert agent.run().json() == {"output": "b\n", "error": ""}
    names = set(contents(image))
    assert ("bin/sh" in names or "usr/bin/sh" in names) is not slim
    if slim:
        assert "usr/share/doc/jq/copyright" in names
        assert not [name for name in names if name.startswith("usr/share/man/")]
        assert "var/lib/dpkg/status.d/jq" in names


def test_a_step_that_runs_again_and_writes_the_same_makes_the_same_layer(
    base: str, image: str, tmp_path: Path
) -> None:
    layers = []
    for name in ("one", "two"):
        # Without a new text, a step that ran before would not run.
        step = f"mkdir models && python -c 'import json' > models/weights  # {uuid.uuid4()}"
        generate(tmp_path / name, CALLS_JQ, build_steps=[step])
        engine.build(tmp_path / name, image, base=base)
        layers.append(engine.layers(image))
    assert layers[0] == layers[1]
    mode, _, _ = contents(image)["app/models/weights"]
    assert mode & 0o777 == 0o644


def test_a_secret_of_a_step_is_in_no_layer_and_in_no_other_step(
    base: str, buildkit: str, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a new text, a step that ran before would not run.
    step = {"run": f"{WRITES_DIGEST}  # {uuid.uuid4()}", "secrets": ["TOKEN"]}
    generate(tmp_path / "agent", READS_DIGEST, build_steps=[step, HAS_NO_TOKEN])
    monkeypatch.setenv("TOKEN", SECRET)
    arguments = [
        "build",
        "--network=host",
        f"--build-arg=PYTHON_IMAGE={base}",
        f"--tag={image}",
        str(tmp_path / "agent"),
    ]
    with pytest.raises(DockerError, match="docker build --secret id=TOKEN,env=TOKEN"):
        docker(*arguments, legacy=False, program=buildkit)
    with pytest.raises(DockerError, match="requires BuildKit"):
        docker(*arguments, legacy=True)
    docker(*arguments, "--secret=id=TOKEN,env=TOKEN", legacy=False, program=buildkit)
    with agents.running_agent(image) as agent:
        agent.container.wait_until_healthy()
        digest = agent.run().json()["digest"]
    assert digest == hashlib.sha256(SECRET.encode()).hexdigest()
    for content in (*saved(image), docker("history", "--no-trunc", image).encode()):
        assert SECRET.encode() not in content
