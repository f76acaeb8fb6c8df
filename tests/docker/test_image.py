"""What an image contains and does not contain, and how it is built."""

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from benchmarks.image import MAX_BYTES, MAX_BYTES_GZIPPED, MAX_BYTES_PUSHED
from tests.docker import agents, engine
from tests.docker.conftest import MARKER, needy_spec
from tests.docker.engine import docker
from tests.integration.agent_process import NEEDS_TOKEN

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("docker"),
]

SHELLS = {"sh", "bash", "dash", "ash", "busybox", "zsh"}
OF_PACKAGE_MANAGERS = {"pip", "pip3", "apt", "apt-get", "dpkg", "apk"}
# Mode, time and digest by path.
Listing = dict[str, tuple[int, float, str]]
IMPORT_EVERYTHING = """
import importlib, importlib.metadata, sys
names = set(importlib.metadata.packages_distributions())
for name in sorted(names):
    if name.isidentifier():
        importlib.import_module(name)
gone = [str(file) for each in importlib.metadata.distributions() for file in each.files
        if not file.locate().exists()]
print(len(names), gone)
"""
USE_THE_SYSTEM = """
import multiprocessing, os, pwd, sqlite3, ssl, sys, tempfile, zoneinfo
assert len(ssl.create_default_context().get_ca_certs()) > 50
assert zoneinfo.ZoneInfo("Europe/Berlin").key
assert pwd.getpwuid(os.getuid()).pw_name == "agent", os.getuid()
assert os.path.expanduser("~") == tempfile.gettempdir() == "/tmp"
assert sqlite3.connect(":memory:").execute("select 1").fetchone() == (1,)
with multiprocessing.get_context("spawn").Pool(1) as pool:
    assert pool.map(abs, [-1]) == [1]
print("\\u20ac", sys.stdout.encoding, os.getuid(), os.getgid())
"""


@pytest.fixture(scope="module")
def members(echo: str) -> list[tarfile.TarInfo]:
    stream = io.BytesIO(b"".join(engine.export_stream(echo)))
    with tarfile.open(fileobj=stream) as archive:
        return archive.getmembers()


def saved(image: str) -> Iterator[bytes]:
    """Yield the content of each file in each layer of an image, and its configuration."""
    stream = io.BytesIO(b"".join(engine.save_stream(image)))
    with tarfile.open(fileobj=stream) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is None:
                continue
            content = file.read()
            yield content
            if member.name.endswith("layer.tar") or member.name.startswith("blobs/"):
                yield from _files_of_layer(content)


def _files_of_layer(content: bytes) -> Iterator[bytes]:
    try:
        layer = tarfile.open(fileobj=io.BytesIO(content))  # noqa: SIM115
    except tarfile.ReadError:
        return  # not a layer
    with layer:
        for member in layer:
            file = layer.extractfile(member) if member.isreg() else None
            if file is not None:
                yield file.read()


def test_the_image_is_small(echo: str) -> None:
    plain, gzipped = engine.sizes(echo)
    assert plain <= MAX_BYTES
    assert gzipped <= MAX_BYTES_GZIPPED


def test_the_image_has_no_shell_no_package_manager_and_no_setuid_files(
    members: list[tarfile.TarInfo],
) -> None:
    programs = {PurePosixPath(m.name).name for m in members if not m.isdir()}
    assert "python3" in programs
    assert not programs & (SHELLS | OF_PACKAGE_MANAGERS)
    folders = {PurePosixPath(m.name).name for m in members if m.isdir()}
    assert "pydantic_core" in folders
    assert not folders & {"pip", "ensurepip", "setuptools"}
    assert not [member.name for member in members if member.mode & 0o6000]
    writable = [m.name for m in members if m.mode & 0o002 and not m.issym()]
    assert [name for name in writable if not name.startswith(("dev/", "proc", "sys"))] == ["tmp"]


def test_the_image_has_the_agents_files_and_no_build_files(
    members: list[tarfile.TarInfo],
) -> None:
    names = {member.name for member in members}
    assert {"app/handler.py", "app/agent.json", "app/data/words.txt"} <= names
    assert "app/agent_runtime/server.py" in names
    assert not {"app/agent_runtime/image", "app/requirements.txt"} & names
    assert not {"app/Dockerfile", "app/README.md"} & names
    assert not [name for name in names if name.endswith("activate")]
    documents = [name for name in names if "copyright" in name or "LICENSE" in name]
    assert len(documents) >= 15


def test_the_image_runs_as_a_numeric_user_other_than_root(echo: str) -> None:
    [about] = json.loads(docker("inspect", echo))
    assert about["Config"]["User"] == "65532:65532"
    assert about["Config"]["ExposedPorts"] == {"8000/tcp": {}}
    test = ["CMD", "python", "-ES", "-m", "agent_runtime.healthcheck"]
    assert about["Config"]["Healthcheck"]["Test"] == test


def test_secrets_in_the_folder_are_in_no_layer(echo: str) -> None:
    found = [content for content in saved(echo) if MARKER.encode() in content]
    assert not found
    assert MARKER not in docker("history", "--no-trunc", echo)
    # Shows that the search above would find them.
    assert [1 for content in saved(echo) if b"a file that the handler reads" in content]


def test_each_package_can_be_imported_and_matches_its_record(echo: str) -> None:
    with agents.running_agent(echo) as agent:
        number, gone = agent.container.python(IMPORT_EVERYTHING).split(" ", 1)
    assert int(number) >= 15
    assert gone == "[]"


def test_tls_time_zones_users_and_processes_work(echo: str) -> None:
    with agents.running_agent(echo, "--tmpfs=/tmp") as agent:
        assert agent.container.python(USE_THE_SYSTEM) == "\u20ac utf-8 65532 65532"


def test_the_bill_of_materials_lists_all_installed_packages(echo: str) -> None:
    code = (
        "import importlib.metadata as m, json, pathlib; print(json.dumps(["
        "pathlib.Path('/sbom.cdx.json').read_text(), "
        "sorted([d.name.lower().replace('_', '-'), d.version] for d in m.distributions()), "
        "[p.name for p in pathlib.Path('/var/lib/dpkg/status.d').glob('*')]]))"
    )
    with agents.running_agent(echo) as agent:
        text, installed, recorded = json.loads(agent.container.python(code))
    bill = json.loads(text)

    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None
    assert bill["metadata"]["component"]["name"] == "echo"
    by_kind: dict[str, list[list[str]]] = {}
    for component in bill["components"]:
        kind = component["purl"].split("/")[0]
        by_kind.setdefault(kind, []).append([component["name"], component["version"]])
    assert sorted(by_kind["pkg:pypi"]) == installed
    assert {"libc6", "libssl3"} <= {name for name, _ in by_kind["pkg:deb"]}
    assert sorted(name for name, _ in by_kind["pkg:deb"]) == sorted(recorded)
    assert len(by_kind["pkg:generic"]) == 1


def test_a_handler_has_its_packages_with_sources_its_settings_and_its_secret(
    needy: str, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    secret = tmp_path / "api_key"
    secret.write_text("12345678\n")
    secret.chmod(0o644)
    from_file = {"API_KEY_FILE": "/run/secrets/api_key"}
    with agents.running_agent(
        needy, f"--volume={secret}:/run/secrets/api_key:ro", environment=from_file
    ) as agent:
        agent.container.wait_until_healthy()
        answer = agent.run(values=[1, 2, 6])
    assert answer.json() == {
        "mean": 3.0,
        "solved": [0.5, 0.5],
        "unit": "$5 \"per\" \\ 'day' {}",
        "secret_length": 8,
        "reads_its_source": True,
    }


def test_an_agent_without_its_secret_runs_but_is_not_ready(needy: str) -> None:
    with agents.running_agent(needy, environment=NEEDS_TOKEN) as agent:
        agent.container.wait_until_healthy()
        assert "API_KEY" in (agent.why_not_ready() or "")
        assert agent.container.state()["Running"]


def test_an_image_that_is_not_slim_keeps_its_base(base: str, tmp_path: Path) -> None:
    spec = needy_spec(slim=False)
    handler = "import numpy\ndef handle(inputs): return {'sum': int(numpy.sum(inputs['values']))}\n"
    agents.generate(tmp_path / "plain", handler, spec)
    image = engine.image_name("plain")
    engine.build(tmp_path / "plain", image, base=base)
    try:
        with agents.running_agent(image, environment={"API_KEY": "x"}) as agent:
            agent.container.wait_until_healthy()
            assert agent.run(values=[1, 2]).json() == {"sum": 3}
            assert agent.container.python("import os; print(os.getuid())") == "65532"
            assert docker("exec", agent.container.id, "sh", "-c", "echo a shell") == "a shell"
            bill = docker("exec", agent.container.id, "cat", "/sbom.cdx.json")
    finally:
        docker("image", "rm", "--force", image)
    assert {"base-files", "libc6", "numpy"} <= {c["name"] for c in json.loads(bill)["components"]}


def test_both_builders_put_the_same_files_into_each_layer(
    echo: str, echo_folder: Path, base: str, buildkit: str
) -> None:
    """Their digests may differ: the engine lists files by folder or by path, depending on whether
    it has the layer below from another build."""
    # Docker's default has built the other one.
    legacy = engine.has_buildkit()
    program = "docker" if legacy else buildkit
    image = engine.image_name("other-builder")
    engine.build(echo_folder, image, base=base, legacy=legacy, program=program)
    try:
        ours, theirs = listed(echo), listed(image)
    finally:
        docker("image", "rm", "--force", image)
    for one, other in zip(ours, theirs, strict=True):
        paths = sorted(one.keys() | other.keys())
        pairs = {path: (one.get(path), other.get(path)) for path in paths}
        assert {path: pair for path, pair in pairs.items() if pair[0] != pair[1]} == {}


def listed(image: str) -> list[Listing]:
    """Return what is in each layer that has something in it."""
    stream = io.BytesIO(b"".join(engine.save_stream(image)))
    with tarfile.open(fileobj=stream) as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest is not None
        [about] = json.load(manifest)
        layers = [archive.extractfile(name) for name in about["Layers"]]
        return list(filter(None, (listing(layer.read()) for layer in layers if layer)))


def contents(image: str) -> Listing:
    return listing(b"".join(engine.export_stream(image)))


def listing(content: bytes) -> Listing:
    """Return mode, time and a digest of the content of each file in a tar, by path."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        found = {}
        for member in archive:
            file = archive.extractfile(member) if member.isreg() else None
            content = file.read() if file else member.linkname.encode()
            digest = hashlib.sha256(content).hexdigest()
            found[member.name] = member.mode, float(member.mtime), digest
        return found


def test_a_changed_handler_is_one_small_layer(
    echo: str, echo_folder: Path, base: str, tmp_path: Path
) -> None:
    folder = shutil.copytree(echo_folder, tmp_path / "changed")
    with (folder / "handler.py").open("a") as handler:
        handler.write("# A change.\n")
    image = engine.image_name("changed")
    engine.build(folder, image, base=base)
    try:
        *shared, changed = engine.layers(image)
        assert shared == engine.layers(echo)[:-1]
        assert changed not in engine.layers(echo)
        assert engine.bytes_to_push(image, engine.layers(echo)) <= MAX_BYTES_PUSHED
    finally:
        docker("image", "rm", "--force", image)


def test_agents_share_the_layer_of_the_interpreter(echo: str, needy: str) -> None:
    assert engine.layers(needy)[0] == engine.layers(echo)[0]
