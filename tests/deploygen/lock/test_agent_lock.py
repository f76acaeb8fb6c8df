"""The requirements of a spec are resolved together with those of every agent."""

import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from deploygen.lock import lockfile, with_pip, with_uv
from deploygen.output import package
from deploygen.output.package import pins_in
from tests.deploygen.lock.index import Index, running_index
from tests.deploygen.wheels import wheel

TESTED = pins_in(package.tested_lock())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with running_index(tmp_path_factory.mktemp("index")) as index:
        index.add("plain", "1.0")
        index.add("plain", "2.0", "below>=1", "old-only; python_version < '3.12'")
        index.add("below", "1.0")
        index.add("old-only", "1.0")
        # The newest excludes what every agent is tested with.
        index.add("opentelemetry-api", "1.30.0")
        index.add("held", "1.0")
        index.add("held", "3.0", "opentelemetry-api<1.40")
        index.add("picky", "1.0", "below<1")
        index.add("far", "1.0")
        index.add("far", "5.0", "below>=7")
        index.add("leader", "1.0")
        index.add("leader", "4.0")
        index.add("follower", "1.0", "leader<2")
        index.add("future", "1.0", python=">=3.99")
        yield index


@pytest.fixture(params=["uv", "pip"])
def resolver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Resolve by uv, or by pip as without uv."""
    if request.param == "pip":
        monkeypatch.setattr(with_uv, "program", lambda: None)
    else:
        monkeypatch.setattr(with_pip, "resolve", None)
    name: str = request.param
    return name


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # Its packages may be others.
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    Path("spec").mkdir()
    Path("spec/handler.py").write_text("def handle(inputs): return {}\n")


def generate(
    index: Index, *requirements: str, options: tuple[str, ...] = (), more: str = ""
) -> str:
    lines = "".join(f"  - '{each}'\n" for each in requirements)
    Path("spec/agent.yaml").write_text(
        f"name: an-agent\nrequirements:\n{lines}index_url: {index.url}\n{more}"
    )
    out = io.StringIO()
    call_command("generate_agent", "spec/agent.yaml", "--no-registry", *options, stdout=out)
    return out.getvalue()


def locked(name: str = "requirements-agent.txt") -> dict[str, str]:
    return pins_in(Path("an-agent", name).read_text())


def test_the_tested_lock_consists_of_its_blocks() -> None:
    assert (
        "".join(block.text for block in lockfile.tested_blocks().values()) == package.tested_lock()
    )


@pytest.mark.usefixtures("resolver")
def test_every_package_is_locked_for_the_python_of_the_image(shared: Index) -> None:
    output = generate(shared, "plain")
    assert locked() == {"plain": "2.0", "below": "1.0"}
    text = Path("an-agent/requirements-agent.txt").read_text()
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", text)) == 2
    assert Path("an-agent/requirements.txt").read_text() == package.tested_lock()
    assert "for the requirements plain 2.0." in output
    assert not Path("an-agent/constraints.txt").exists()
    generate(shared, "plain", more="base_image: python:3.11-slim\n")
    assert locked() == {"plain": "2.0", "below": "1.0", "old-only": "1.0"}


@pytest.mark.usefixtures("resolver")
def test_a_package_gets_its_newest_version_and_the_runtime_gives_way(shared: Index) -> None:
    output = generate(shared, "held")
    assert locked() == {"held": "3.0"}
    expected = {**TESTED, "opentelemetry-api": "1.30.0"}
    assert locked("requirements.txt") == expected
    assert f"opentelemetry-api 1.30.0 (tested with {TESTED['opentelemetry-api']})" in output


@pytest.mark.usefixtures("resolver")
def test_a_conflict_names_both_requirements_with_their_lines(shared: Index) -> None:
    with pytest.raises(CommandError) as error:
        generate(shared, "plain==2.0", "held", "picky")
    lines = str(error.value).splitlines()
    assert [line.partition(" cannot")[0] for line in lines] == [
        "spec/agent.yaml:3: requirements[0]: 'plain==2.0'",
        "spec/agent.yaml:5: requirements[2]: 'picky'",
    ]
    assert "together with 'picky' (requirements[2]): " in lines[0]
    assert "below" in lines[0]
    assert not Path("an-agent").exists()


@pytest.mark.usefixtures("resolver")
def test_a_version_far_below_the_newest_is_noted(shared: Index) -> None:
    output = generate(shared, "plain", "far")
    assert locked()["far"] == "1.0"
    assert "note: far is 1.0, although there is 5.0, which is excluded: " in output
    assert "note: far" not in generate(shared, "plain", "far<2")


@pytest.mark.usefixtures("resolver")
def test_the_note_names_the_requirements_that_hold_a_package_back(shared: Index) -> None:
    output = generate(shared, "plain", "leader", "follower>=1")
    [note] = [line for line in output.splitlines() if line.startswith("note: leader")]
    assert note.startswith(
        "note: leader is 1.0, although there is 4.0, which is excluded by "
        "'follower>=1' (requirements[2]): "
    )
    assert "follower" in note
    assert "plain" not in note.partition(": ")[2]


@pytest.mark.usefixtures("resolver")
@pytest.mark.parametrize(
    ("requirement", "problem"),
    [
        ("nowhere", "the index has no package nowhere"),
        ("plain>=9", "no version of plain meets 'plain>=9'; the newest version is 2.0"),
        ("future", "no version that meets 'future' is for Python 3.13"),
    ],
)
def test_a_requirement_that_nothing_can_meet_is_refused(
    shared: Index, requirement: str, problem: str
) -> None:
    with pytest.raises(CommandError) as error:
        generate(shared, "below", requirement)
    assert str(error.value) == f"spec/agent.yaml:4: requirements[1]: {problem}"


@pytest.mark.usefixtures("resolver")
def test_a_wheel_beside_the_spec_is_locked_by_its_hash(shared: Index) -> None:
    name = "tools-1.0-py3-none-any.whl"
    Path("spec", name).write_bytes(wheel("tools", "1.0", "Requires-Dist: below"))
    generate(shared, f"./{name}")
    text = Path("an-agent/requirements-agent.txt").read_text()
    assert re.search(rf"(?m)^\./requirements-wheels/{name} \\\n    --hash=sha256:", text)
    assert locked() == {"below": "1.0"}


@pytest.mark.usefixtures("resolver")
def test_a_lock_is_kept_until_an_upgrade_is_asked_for(tmp_path: Path) -> None:
    with running_index(tmp_path / "index") as index:
        index.add("plain", "1.0")
        index.add("other", "1.0")
        generate(index, "plain")
        before = Path("an-agent/requirements-agent.txt").read_bytes()
        index.add("plain", "1.1")
        assert "  write " not in generate(index, "plain")
        assert Path("an-agent/requirements-agent.txt").read_bytes() == before

        # Another requirement moves nothing that need not move.
        generate(index, "plain", "other")
        assert locked() == {"plain": "1.0", "other": "1.0"}
        generate(index, "plain>1.0", "other")
        assert locked() == {"plain": "1.1", "other": "1.0"}
        index.add("other", "1.1")
        generate(index, "plain>1.0", "other", options=("--upgrade",))
        assert locked() == {"plain": "1.1", "other": "1.1"}
    # Without an index, the lock in the folder still serves.
    assert "  write " not in generate(index, "plain>1.0", "other")


@pytest.mark.usefixtures("resolver")
def test_a_far_older_version_that_only_the_lock_keeps_is_noted(tmp_path: Path) -> None:
    with running_index(tmp_path / "index") as index:
        index.add("plain", "1.0")
        index.add("other", "1.0")
        generate(index, "plain")
        index.add("plain", "4.0")
        note = "note: plain is 1.0, although there is 4.0: the lock has it from before; --upgrade"
        assert note in generate(index, "plain", "other")


@pytest.mark.usefixtures("resolver")
def test_without_an_index_the_build_chooses(shared: Index) -> None:
    away = Index.__new__(Index)
    away.url = "http://127.0.0.1:9/simple/"
    output = generate(away, "plain")
    assert "note: the build of the image will choose the versions of packages: no index" in output
    assert "plain" in Path("an-agent/requirements-agent.txt").read_text().splitlines()


@pytest.mark.parametrize(
    ("more", "requirement"),
    [
        ("base_image: registry.example/our-own\n", "plain"),
        ("", "tools @ git+https://git.example/tools@" + "0" * 40),
    ],
)
def test_what_cannot_be_known_now_is_left_to_the_build(more: str, requirement: str) -> None:
    away = Index.__new__(Index)
    away.url = "https://index.example/simple/"
    assert "note: the build of the image will choose" in generate(away, requirement, more=more)
    assert Path("an-agent/constraints.txt").exists()


def test_no_lock_and_upgrade_exclude_each_other(shared: Index) -> None:
    with pytest.raises(CommandError, match="not allowed with argument"):
        generate(shared, "plain", options=("--no-lock", "--upgrade"))
    shutil.rmtree("spec")
