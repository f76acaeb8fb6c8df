"""Deployment files, checked with the tools that read them."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploygen.output.rendering import render
from deploygen.spec.model import AgentSpec
from tests.deploygen.specs import spec_of

LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
REGISTRIES = ["http://reg:9000", "http://127.0.0.1:9000", None]
HOSTILE = "x}y $HOME ${HOME:-z} $(HOME) \"'\\ #: {}"


def spec(**fields: Any) -> AgentSpec:
    own = {
        "environment": [
            {"name": "PLAIN", "value": "a b", "description": "What it is."},
            {"name": "HOSTILE", "value": HOSTILE},
            "NO",
        ],
        "secrets": ["A_KEY"],
        "requirements": ["numpy"],
    }
    return spec_of(**{**own, **fields})


def bare(**fields: Any) -> AgentSpec:
    return spec(environment=[], secrets=[], requirements=[], **fields)


SPECS = [
    *(spec(registry_url=url) for url in REGISTRIES),
    *(bare(registry_url=url) for url in REGISTRIES),
    spec(slim=False),
]


def kubernetes(agent: AgentSpec) -> tuple[dict[str, Any], dict[str, Any]]:
    deployment, service = yaml.safe_load_all(render(agent)["kubernetes.yaml"])
    return deployment, service


def pod(agent: AgentSpec) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the specifications of the pod and of its only container."""
    pod = kubernetes(agent)[0]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    return pod, container


def program(name: str) -> str:
    """Return the path of a program in our environment or on the PATH."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found, f"{name} is not installed: make install-dev"
    return found


def check(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


FROM_ELSEWHERE = [
    spec(index_url="https://one.example/simple/", extra_index_urls=["https://two.example/simple/"]),
    spec(requirements=[f"tools @ git+https://git.example/tools@{'0' * 40}"]),
    spec(requirements=["./tools-1.0-py3-none-any.whl"]),
    spec(pip_config=True, build_steps=[{"run": "fetch", "secrets": ["TOKEN"]}]),
    spec(system_packages=["libgl1", "ffmpeg=7:5.1"]),
    spec(system_packages=["libgl1"], slim=False),
]


@pytest.mark.parametrize("agent", [*SPECS, *FROM_ELSEWHERE])
def test_hadolint_finds_nothing_in_the_dockerfile(agent: AgentSpec, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(render(agent)["Dockerfile"])
    assert check(program("hadolint"), "--no-color", str(tmp_path / "Dockerfile")) == ""


@pytest.mark.parametrize("agent", SPECS)
def test_the_manifest_is_valid_for_kubernetes(agent: AgentSpec) -> None:
    import kubernetes_validate  # noqa: PLC0415 - takes seconds, in each process of a parallel run

    for resource in kubernetes(agent):
        kubernetes_validate.validate(resource, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("agent", SPECS)
def test_the_pod_meets_the_restricted_standard(agent: AgentSpec) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/"""
    specification, container = pod(agent)
    security = specification["securityContext"]
    assert security["runAsNonRoot"] is True
    assert (security["runAsUser"], security["runAsGroup"]) == (65532, 65532)
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    own = container["securityContext"]
    assert own["allowPrivilegeEscalation"] is False
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert own["readOnlyRootFilesystem"] is True
    assert [set(volume) - {"name"} for volume in specification["volumes"]] == [{"emptyDir"}]
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(specification)
    assert specification["automountServiceAccountToken"] is False
    assert "hostPort" not in container["ports"][0]


def test_each_probe_uses_its_endpoint(tmp_path: Path) -> None:
    _, container = pod(spec(port=9001))
    paths = {
        name: container[f"{name}Probe"]["httpGet"]["path"]
        for name in ("startup", "liveness", "readiness")
    }
    # An agent that is not ready is not restarted.
    assert paths == {
        "startup": "/health/live",
        "liveness": "/health/live",
        "readiness": "/health/ready",
    }
    assert container["ports"] == [{"name": "http", "containerPort": 9001}]
    assert container["resources"]["limits"]["memory"]
    assert "command" not in container


def test_the_pod_has_its_variables_and_references_to_its_secrets() -> None:
    _, container = pod(spec())
    variables = {entry["name"]: entry for entry in container["env"]}
    assert variables["PLAIN"]["value"] == "a b"
    # Kubernetes expands $(NAME) and reads $$ as $.
    assert variables["HOSTILE"]["value"].replace("$$", "$") == HOSTILE
    assert "NO" not in variables
    reference = {"name": "an-agent", "key": "A_KEY"}
    assert variables["A_KEY"] == {"name": "A_KEY", "valueFrom": {"secretKeyRef": reference}}
    assert variables["AGENT_REGISTRY_URL"]["value"] == "http://reg:9000"
    assert variables["AGENT_ID"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    assert variables["AGENT_HOST"]["valueFrom"]["fieldRef"]["fieldPath"] == "status.podIP"
    names = [entry["name"] for entry in pod(bare(registry_url=None))[1]["env"]]
    assert names == ["AGENT_IMAGE_DIGEST", "AGENT_TOKENS"]


@pytest.mark.parametrize(
    ("name", "in_kubernetes"),
    [
        ("an-agent", "an-agent"),
        ("a.b_c__d", "a-b-c--d"),
        ("1e3", "agent-1e3"),
        ("null", "null"),
        ("on", "on"),
        ("9" * 56 + "-" + "9" * 6, "agent-" + "9" * 56),
    ],
)
def test_names_of_agents_become_valid_kubernetes_names(name: str, in_kubernetes: str) -> None:
    deployment, service = kubernetes(spec(name=name))
    labels = {"app.kubernetes.io/name": in_kubernetes}
    assert LABEL.fullmatch(in_kubernetes)
    assert (
        deployment["metadata"] == service["metadata"] == {"name": in_kubernetes, "labels": labels}
    )
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert deployment["spec"]["template"]["metadata"]["labels"] == labels
    assert service["spec"]["selector"] == labels
    assert pod(spec(name=name))[1]["image"] == name
    assert list(compose(spec(name=name))["services"]) == [name]


def compose(agent: AgentSpec) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(render(agent)["compose.yaml"])
    return document


@pytest.mark.parametrize("agent", SPECS)
def test_the_compose_service_is_hardened(agent: AgentSpec) -> None:
    [service] = compose(agent)["services"].values()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]


def test_the_compose_service_reaches_its_registry_and_publishes_its_port() -> None:
    [local] = compose(spec(registry_url="http://localhost:9000"))["services"].values()
    assert local["network_mode"] == "host"
    assert "ports" not in local
    for url in ("http://reg:9000", None):
        [other] = compose(spec(registry_url=url, port=9001))["services"].values()
        assert other["ports"] == ["${AGENT_PORT:-9001}:${AGENT_PORT:-9001}"]
        assert "network_mode" not in other


@pytest.mark.parametrize("agent", SPECS)
def test_compose_passes_exactly_the_variables_of_the_env_file(
    agent: AgentSpec, tmp_path: Path, compose_command: list[str]
) -> None:
    files = render(agent)
    for name in ("compose.yaml", "Dockerfile"):
        (tmp_path / name).write_text(files[name])
    offered = re.findall(r"(?m)^#?([A-Z_]+)=$", files[".env.example"])
    offered += [f"{name}_FILE" for name in agent.secrets]
    values = {name: f"v$alue {number}" for number, name in enumerate(offered) if number % 2}
    if "AGENT_PORT" in values:
        values["AGENT_PORT"] = "9005"
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    done = subprocess.run(
        [*compose_command, "--file", "compose.yaml", "config"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [service] = yaml.safe_load(done.stdout)["services"].values()
    # The output is again a compose file, with $ doubled.
    given = {name: value for name, value in service["environment"].items() if value is not None}
    host = "localhost" if service.get("network_mode") == "host" else agent.name
    own = {"AGENT_HOST": host} if agent.registry_url is not None else {}
    assert {name: value.replace("$$", "$") for name, value in given.items()} == own | values
    assert set(service["environment"]) >= set(offered)


@pytest.mark.parametrize("agent", SPECS)
def test_the_enrolment_token_is_passed_from_outside_if_there_is_a_registry(
    agent: AgentSpec,
) -> None:
    files = render(agent)
    if agent.registry_url is None:
        assert [name for name, text in files.items() if "ENROLMENT" in text] == []
        return
    [service] = yaml.safe_load(files["compose.yaml"])["services"].values()
    for name in ("AGENT_ENROLMENT_TOKEN", "AGENT_ENROLMENT_TOKEN_FILE"):
        assert f"{name}=" in files[".env.example"].splitlines()
        assert service["environment"][name] is None
        assert name in files["README.md"]
    _, container = pod(agent)
    [entry] = [entry for entry in container["env"] if entry["name"] == "AGENT_ENROLMENT_TOKEN"]
    reference = entry["valueFrom"]["secretKeyRef"]
    assert (reference["key"], reference["optional"]) == ("AGENT_ENROLMENT_TOKEN", True)


@pytest.mark.parametrize("agent", SPECS)
def test_the_tokens_of_the_callers_are_passed_from_outside(agent: AgentSpec) -> None:
    files = render(agent)
    [service] = yaml.safe_load(files["compose.yaml"])["services"].values()
    for name in ("AGENT_TOKENS", "AGENT_TOKENS_FILE"):
        assert f"{name}=" in files[".env.example"].splitlines()
        assert service["environment"][name] is None
        assert name in files["README.md"]
    [entry] = [entry for entry in pod(agent)[1]["env"] if entry["name"] == "AGENT_TOKENS"]
    reference = {"name": "an-agent", "key": "AGENT_TOKENS", "optional": True}
    assert entry["valueFrom"]["secretKeyRef"] == reference


@pytest.mark.parametrize("agent", SPECS)
def test_the_example_env_file_has_names_without_values(agent: AgentSpec) -> None:
    text = render(agent)[".env.example"]
    names = []
    for line in text.splitlines():
        if line and not line.startswith("# "):
            assert re.fullmatch(r"#?[A-Z_]+=", line), line
            names.append(line.strip("#="))
    declared = [variable.name for variable in agent.environment]
    assert set(names) >= {*declared, *agent.secrets, "AGENT_LOG_FORMAT"}
    # Set to empty, the variable would hide its default.
    assert ("\n#PLAIN=\n" in text) == bool(declared)
    assert ("AGENT_REGISTRY_URL" in names) == (agent.registry_url is not None)


def test_secrets_are_ignored_by_docker_and_git() -> None:
    files = render(spec())
    assert {"**/.*", "**/*.env", "**/*.key", "secrets"} <= set(files[".dockerignore"].splitlines())
    assert ".env" in files[".gitignore"].splitlines()
    assert "A_KEY" not in files["Dockerfile"]


def test_the_dockerfile_needs_no_buildkit() -> None:
    text = render(spec())["Dockerfile"]
    assert "<<" not in text
    assert "--mount" not in text
    assert "--chmod" not in text
    assert json.loads(re.findall(r"(?m)^CMD (.*)$", text)[0]) == ["python", "-m", "agent_runtime"]


def test_the_example_call_in_the_readme_has_the_required_inputs() -> None:
    inputs = [
        {"name": "text", "type": "string"},
        {"name": "times", "type": "integer"},
        {"name": "x", "type": "array", "required": False},
    ]
    text = render(spec(inputs=inputs))["README.md"]
    [sent] = re.findall(r"-d '(.*)'", text)
    assert json.loads(sent) == {"text": "hello", "times": 1}
    [free] = re.findall(r"-d '(.*)'", render(spec())["README.md"])
    assert json.loads(free) == {"input": "hello"}
    assert "A_KEY_FILE" in text
    assert "pip install -r requirements-agent.txt" in text
