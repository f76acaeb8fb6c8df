import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploygen.output.package import CLIENT, IMAGE, RUNTIME, runtime_ranges
from deploygen.output.quoting import markdown_escaped
from deploygen.output.rendering import is_local, render
from tests.deploygen.specs import spec_of

SERVER = {"__init__.py", "__main__.py", "server.py", "healthcheck.py", "config.py", "http/app.py"}
REGISTRATION = {
    "__init__.py",
    "card.py",
    "lease_metrics.py",
    "loop_lag.py",
    "registration.py",
    "changes.py",
    "settings.py",
    "client/__init__.py",
    "client/client.py",
    "client/errors.py",
    "client/host.py",
    "client/http.py",
    "client/lease.py",
    "client/certificates.py",
    "client/connections.py",
    "client/description.py",
    "client/pacing.py",
    "client/proxy.py",
    "client/responses.py",
    "client/url.py",
}
BESIDE = {
    "handler.py",
    ".dockerignore",
    "Dockerfile",
    "README.md",
    "agent.json",
    "requirements.txt",
}
HOSTILE = [
    'x\nRUN touch /tmp/owned\nLABEL a="',
    '"; touch /tmp/owned; "',
    "$(touch /tmp/owned) `touch /tmp/owned` ${HOME}",
    "{{ 7 * 7 }} {% raw %} {# #}",
    "back\\slash\\",
    "'single' | pipe <script>alert(1)</script> [link](http://x) # heading",
    "<<EOF",
]


def rendered(**fields: Any) -> dict[str, str]:
    return render(spec_of(**fields))


def rendered_with(modules: dict[str, str], **fields: Any) -> dict[str, str]:
    return render(spec_of(**fields), modules)


def instructions(dockerfile: str) -> list[str]:
    """Return a Dockerfile's instructions, with continued lines joined and without comments."""
    joined = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", dockerfile))
    return [line for line in joined.splitlines() if line]


def test_all_expected_files_are_rendered() -> None:
    server = {f"agent_runtime/{name}" for name in SERVER}
    registration = {f"agent_runtime/registry/{name}" for name in REGISTRATION}
    assert set(rendered()) >= server | registration | BESIDE
    assert set(rendered(registry_url=None)) >= server | BESIDE
    assert set(rendered()) - set(rendered(registry_url=None)) == registration
    assert "requirements-agent.txt" not in rendered()


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("agent_runtime", RUNTIME),
        ("agent_runtime/image", IMAGE),
        ("agent_runtime/registry/client", CLIENT),
    ],
)
def test_every_module_of_a_package_is_copied_unchanged(package: str, source: Path) -> None:
    files = rendered(description="{{ spec.name }}", traces=True, page=True)
    for path in source.rglob("*.py"):
        if path != RUNTIME / "registry/client.py":
            name = f"{package}/{path.relative_to(source).as_posix()}"
            assert files[name] == path.read_text()


def test_the_page_is_copied_only_if_the_spec_asks_for_it() -> None:
    page = {f"agent_runtime/page/{path.name}" for path in (RUNTIME / "page").glob("*.*")}
    assert {"agent_runtime/page/page.html", "agent_runtime/page/page.js"} <= page
    assert set(rendered(page=True)) - set(rendered()) == page


def test_the_client_package_replaces_the_module_that_imports_it() -> None:
    assert "agent_runtime/registry/client.py" not in rendered()


def test_the_developers_modules_are_copied_unchanged() -> None:
    modules = {"handler.py": "theirs {{ spec }}\r\n", "more.py": ""}
    files = rendered_with(modules)
    assert {name: files[name] for name in modules} == modules
    assert "more.py" in files
    assert list(files) == sorted(files)


@pytest.mark.parametrize("name", ["server.py", "registration.py", "image.py", "client.py"])
def test_the_developers_modules_may_share_names_with_modules_of_the_runtime(name: str) -> None:
    assert rendered_with({name: "theirs"})[name] == "theirs"


def test_the_readme_says_where_to_change_the_handler() -> None:
    assert "generating the agent again keeps it" in rendered()["README.md"]
    copied = rendered_with({"work.py": ""}, handler="work:run")["README.md"]
    assert "The handler is in `work.py`. It and the other files" in " ".join(copied.split())
    assert "keeps it" not in copied
    assert "requirements provide" in rendered(handler="work:run", requirements=["w"])["README.md"]


def test_with_a_handler_elsewhere_none_is_rendered_to_fill_in() -> None:
    assert "handler.py" not in rendered(handler="work:run")
    assert "handler.py" in rendered(handler="handler:run")
    assert rendered_with({"handler.py": "x"}, handler="work:run")["handler.py"] == "x"


def test_without_a_lock_requirements_are_written_unchanged_with_our_ranges_as_constraints() -> None:
    files = rendered(requirements=["numpy>=2", "x; python_version >= '3.11'"])
    assert files["requirements-agent.txt"] == "numpy>=2\nx; python_version >= '3.11'\n"
    assert files["constraints.txt"].splitlines() == runtime_ranges()
    assert (
        "--requirement requirements-agent.txt --constraint constraints.txt" in files["Dockerfile"]
    )


def test_with_a_lock_the_build_installs_it_and_resolves_nothing() -> None:
    lock = {"requirements.txt": "a==1\n", "requirements-agent.txt": "b==1\n"}
    files = render(spec_of(requirements=["b"]), {}, lock)
    assert {name: files[name] for name in lock} == lock
    assert "constraints.txt" not in files
    for name in lock:
        [line] = [
            each for each in instructions(files["Dockerfile"]) if f"-requirement {name}" in each
        ]
        assert "--require-hashes --no-deps --requirement" in line


def test_without_a_registry_no_file_mentions_one() -> None:
    for name, text in rendered(registry_url=None, description="Echoes.").items():
        words = (name + text).replace("register_at_fork", "")  # Python's
        assert not re.search(r"(?i)regist|(?<!re)lease|heartbeat|\bTTL", words), name


def test_the_same_spec_gives_the_same_bytes() -> None:
    assert rendered(description="\u00e4") == rendered(description="\u00e4")
    assert list(rendered()) == sorted(rendered())


def test_files_end_with_one_newline_and_have_no_trailing_spaces() -> None:
    for registry_url in ("http://reg:9000", "http://localhost:9000", None):
        for name, text in rendered(registry_url=registry_url, description="Echoes.").items():
            assert not text or text.endswith("\n"), name
            assert not text.endswith("\n\n"), name
            assert not re.search(r"[ \t]\n", text), name
            assert "\n\n\n\n" not in text, name


def test_the_configuration_contains_the_spec() -> None:
    config = json.loads(rendered(**everything())["agent.json"])
    assert config == {
        "name": "an-agent",
        "agent_id": "A:1",
        "description": "d",
        "version": "1.10",
        "port": 9001,
        "handler": "work:run",
        "inputs": [
            {"name": "a", "type": "string", "required": True, "description": "x"},
            {"name": "b", "type": "array", "required": False, "default": [], "description": ""},
            {"name": "c", "type": "number", "required": False, "description": ""},
        ],
        "outputs": [{"name": "o", "type": "object", "description": "y"}],
        "skills": [
            {"id": "s", "name": "S", "description": "z", "tags": ["t"], "examples": ["e"]},
        ],
        "tags": ["u"],
        "environment": {"PLAIN": None, "VALUED": "v"},
        "secrets": ["A_KEY"],
        "dependencies": ["db:5432"],
        "sync_timeout": 5.0,
        "max_jobs": 3,
        "a2a_0_3": False,
        "page": True,
        "extensions": [".registry"],
        "registry": {"url": "http://reg:9000", "ttl_seconds": 9, "heartbeat_interval": 2.5},
    }


def everything(text: str = "") -> dict[str, Any]:
    """Return all fields, with `text` in each that accepts any text."""
    return {
        "agent_id": "A:1",
        "description": text or "d",
        "version": "1.10",
        "port": 9001,
        "handler": "work:run",
        "inputs": [
            {"name": "a", "type": "string", "description": text or "x"},
            {"name": "b", "type": "array", "default": [text] if text else []},
            {"name": "c", "type": "number", "required": False},
        ],
        "outputs": [{"name": "o", "type": "object", "description": text or "y"}],
        "skills": [
            {
                "id": "s",
                "name": one_line(text) or "S",
                "description": text or "z",
                "tags": [one_line(text) or "t"],
                "examples": [text or "e"],
            }
        ],
        "tags": [one_line(text) or "u"],
        "environment": [
            {"name": "PLAIN", "description": text},
            {"name": "VALUED", "value": one_line(text) or "v", "description": text},
        ],
        "secrets": ["A_KEY"],
        "dependencies": ["db:5432"],
        "requirements": ["numpy"],
        "sync_timeout": 5,
        "max_jobs": 3,
        "a2a_0_3": False,
        "page": True,
        "registry": {"ttl_seconds": 9, "heartbeat_interval": 2.5},
    }


def one_line(text: str) -> str:
    return " ".join(text.split())[:64].strip()


def shape(value: Any) -> Any:
    """Return the structure of a document, with each value replaced by its type."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value)


def settings(text: str) -> list[str]:
    """Return the names that a .env file sets, and "#" for each comment."""
    return [line[0] if line[:1] == "#" else line.partition("=")[0] for line in text.splitlines()]


@pytest.mark.parametrize("slim", [True, False])
@pytest.mark.parametrize("registry_url", ["http://reg:9000", None])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_inert_in_every_file(
    text: str, registry_url: str | None, slim: bool
) -> None:
    fields = {"registry_url": registry_url, "slim": slim}
    plain = rendered(**{**everything("plain"), **fields})
    hostile = rendered(**{**everything(text), **fields})
    assert set(plain) == set(hostile)
    checked = set()
    for name in plain:
        if plain[name] == hostile[name]:
            continue
        checked.add(name)
        if name == "Dockerfile":
            assert [line.split("=")[0] for line in instructions(hostile[name])] == [
                line.split("=")[0] for line in instructions(plain[name])
            ]
        elif name.endswith(".json"):
            assert shape(json.loads(hostile[name])) == shape(json.loads(plain[name]))
        elif name.endswith((".yaml", ".yml")):
            found, expected = yaml.safe_load_all(hostile[name]), yaml.safe_load_all(plain[name])
            assert shape(list(found)) == shape(list(expected)), name
        elif name.startswith(".env"):
            assert settings(hostile[name]) == settings(plain[name])
        else:
            assert name == "README.md", f"{name} holds text, and nothing here checks how"
            assert len(hostile[name].splitlines()) == len(plain[name].splitlines())
            assert not re.search(r"(?<!\\)<(script|EOF)", hostile[name])
    assert checked >= {"Dockerfile", "agent.json"}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_description_adds_no_instruction_to_the_dockerfile(text: str) -> None:
    plain = instructions(rendered(description="plain")["Dockerfile"])
    hostile = instructions(rendered(description=text)["Dockerfile"])
    label = "LABEL org.opencontainers.image.description="
    assert [line for line in hostile if not line.startswith(label)] == [
        line for line in plain if not line.startswith(label)
    ]
    [line] = [line for line in hostile if line.startswith(label)]
    assert shlex.split(line.replace(r"\$", "$")) == [
        "LABEL",
        label.split()[1] + " ".join(text.split()),
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_description_is_data_in_the_configuration(text: str) -> None:
    assert json.loads(rendered(description=text)["agent.json"])["description"] == text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_description_is_one_line_of_text_in_the_readme(text: str) -> None:
    lines = rendered(description=text)["README.md"].splitlines()
    assert lines[2] == markdown_escaped(text)
    assert lines[3] == ""
    assert not re.search(r"(?<!\\)[<`\[]", lines[2])


def test_a_blank_description_is_left_out() -> None:
    files = rendered(description=" \n ")
    assert "image.description" not in files["Dockerfile"]
    assert files["README.md"] == rendered()["README.md"]


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:9000", True),
        ("http://127.0.0.1", True),
        ("http://[::1]:9000", True),
        ("http://localhost.example", False),
        ("http://registry:9000", False),
    ],
)
def test_a_local_registry_is_recognised(url: str, local: bool) -> None:
    assert is_local(url) == local
    assert ("--network host" in rendered(registry_url=url)["README.md"]) == local


@pytest.mark.parametrize(("slim", "last"), [(True, "scratch"), (False, "${PYTHON_IMAGE}")])
def test_each_layer_has_a_stage_and_the_image_runs_without_root(slim: bool, last: str) -> None:
    files = rendered(port=9001, slim=slim, base_image="reg:5000/python:3.14")
    lines = instructions(files["Dockerfile"])
    assert lines[0] == "ARG PYTHON_IMAGE=reg:5000/python:3.14"
    stages = [line for line in lines if line.startswith("FROM")]
    assert stages == [
        "FROM ${PYTHON_IMAGE} AS base",
        "FROM base AS runtime",
        "FROM runtime AS code",
        f"FROM {last}",
    ]
    final = lines[lines.index(stages[-1]) :]
    assert "USER 65532:65532" in final
    assert "EXPOSE 9001" in final
    assert any(line.startswith("HEALTHCHECK") and "healthcheck" in line for line in final)
    assert any(line.startswith("CMD [") for line in final)
    assert not [line for line in final if line.startswith("RUN")]
    assert any("--require-hashes" in line for line in lines)


def test_what_agents_have_in_common_is_below_what_is_theirs() -> None:
    lock = {"requirements.txt": "a==1\n", "requirements-agent.txt": "numpy==1\n"}
    lines = instructions(render(spec_of(requirements=["numpy"]), {}, lock)["Dockerfile"])
    copied = [line for line in lines if line.startswith("COPY --from=")]
    assert copied == [
        "COPY --from=base /layers/interpreter /",
        "COPY --from=runtime /layers/runtime /",
        "COPY --from=packages /layers/packages /",
        "COPY --from=code /layers/code /",
    ]
    assert "numpy" not in "".join(lines[: lines.index("FROM runtime AS packages")])


def test_a_build_that_chooses_versions_has_the_same_layers() -> None:
    lines = instructions(rendered(requirements=["numpy"])["Dockerfile"])
    assert [line for line in lines if line.startswith("COPY --from=")] == [
        "COPY --from=base /layers/interpreter /",
        "COPY --from=runtime /layers/runtime /",
        "COPY --from=runtime /layers/packages /",
        "COPY --from=code /layers/code /",
    ]


@pytest.mark.parametrize("locked", [True, False])
def test_tests_of_packages_are_left_out_when_asked(locked: bool) -> None:
    lock = {"requirements.txt": "a==1\n", "requirements-agent.txt": "numpy==1\n"} if locked else {}
    for kept in (True, False):
        agent = spec_of(requirements=["numpy"], package_tests=kept)
        text = str(render(agent, {}, lock)["Dockerfile"])
        assert ("--without-tests" in text) != kept


def test_every_requirement_is_pinned_and_hashed() -> None:
    text = re.sub(r"(?m)^\s*#.*\n", "", rendered()["requirements.txt"]).replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip()]
    assert {"fastapi", "uvicorn", "httpx"} <= {line.split("==")[0] for line in lines}
    for line in lines:
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+(\s+--hash=sha256:[0-9a-f]{64})+\s*", line), line


def test_the_readme_documents_every_variable_that_the_runtime_reads() -> None:
    read = set()
    for path in RUNTIME.rglob("*.py"):
        read |= set(re.findall(r'"(AGENT_[A-Z_]+)"', path.read_text()))
    assert len(read) >= 7
    documented = set(re.findall(r"\| `(AGENT_[A-Z_]+)` \|", rendered()["README.md"]))
    assert documented == read


def test_the_readme_shows_the_interval_only_if_there_is_one() -> None:
    assert "what the registry suggests |" in rendered()["README.md"]
    assert "| `2.5` |" in rendered(registry={"heartbeat_interval": 2.5})["README.md"]


def test_the_paths_are_inside_the_folder() -> None:
    for name in rendered():
        assert not Path(name).is_absolute()
        assert ".." not in Path(name).parts


STEPS = [
    "python -c 'import this'",
    {"run": "make", "files": ["tools/fetch.py", "data"]},
]


def test_build_steps_run_with_the_packages_and_their_output_is_kept() -> None:
    environment = ["PLAIN", {"name": "CACHE", "value": "$HOME/x"}]
    text = rendered(build_steps=STEPS, environment=environment)["Dockerfile"]
    lines = instructions(text)
    begin = lines.index("FROM runtime AS steps")
    assert lines[begin + 1 : begin + 8] == [
        "WORKDIR /app",
        (
            "ENV PATH=/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "
            "PYTHONHASHSEED=0 SOURCE_DATE_EPOCH=315532800"
        ),
        'ENV CACHE="\\$HOME/x"',
        """RUN ["/bin/sh", "-ec", "python -c 'import this'"]""",
        'COPY ["tools/fetch.py", "./tools/fetch.py"]',
        'COPY ["data", "./data"]',
        'RUN ["/bin/sh", "-ec", "make"]',
    ]
    # The code comes last, and overrides what a step has made of it.
    assert lines.index("COPY --from=code /layers/steps /") < lines.index(
        "COPY --from=code /layers/code /"
    )
    assert "steps" not in rendered()["Dockerfile"]
    assert "build_steps" not in json.loads(rendered(build_steps=STEPS)["agent.json"])


LOCK = {"requirements.txt": "", "requirements-agent.txt": ""}
SYSTEM = ["libgl1", "ffmpeg=7:5.1"]


def stages(dockerfile: str) -> dict[str, list[str]]:
    """Return the instructions of each stage; the last one has the name ""."""
    found: dict[str, list[str]] = {}
    for line in instructions(dockerfile):
        if line.startswith("FROM "):
            current = found.setdefault(line.partition(" AS ")[2], [])
        elif found:
            current.append(line)
    return found


@pytest.mark.parametrize(
    ("requirements", "lock", "stage"),
    [(["numpy"], LOCK, "packages"), (["numpy"], {}, "runtime"), ([], {}, "runtime")],
)
def test_packages_of_the_system_are_installed_before_the_packages_are_written(
    requirements: list[str], lock: dict[str, str], stage: str
) -> None:
    spec = spec_of(requirements=requirements, system_packages=SYSTEM)
    found = stages(render(spec, {"handler.py": ""}, lock)["Dockerfile"])
    in_stage = found[stage]
    [install] = [n for n, line in enumerate(in_stage) if "apt-get install" in line]
    [write] = [n for n, line in enumerate(in_stage) if "image packages" in line]
    assert "libgl1 ffmpeg=7:5.1" in in_stage[install]
    assert "--system libgl1 ffmpeg=7:5.1" in in_stage[write]
    assert install < write
    assert f"COPY --from={stage} /layers/packages /" in found[""]
    assert not any("apt-get" in line for line in [*found["base"], *found[""]])


def test_an_image_on_its_whole_base_installs_packages_of_the_system() -> None:
    found = stages(rendered(system_packages=SYSTEM, slim=False)["Dockerfile"])
    assert [line for line in found[""] if "apt-get install" in line]
    config = json.loads(rendered(system_packages=SYSTEM)["agent.json"])
    assert not {"system_packages", "pip_config"} & config.keys()


def test_a_build_without_a_lock_reports_the_versions_that_it_chooses() -> None:
    chosen = rendered_with({"handler.py": ""}, requirements=["numpy"])["Dockerfile"]
    assert "image packages --layers /layers --environment /venv --report" in chosen
    locked = render(spec_of(requirements=["numpy"]), {"handler.py": ""}, LOCK)["Dockerfile"]
    assert "--report" not in locked


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_build_step_is_one_argument_of_one_instruction(text: str) -> None:
    lines = instructions(rendered(build_steps=[text])["Dockerfile"])
    [step] = [line for line in lines if line.startswith('RUN ["/bin/sh"')]
    assert json.loads(step.removeprefix("RUN ")) == ["/bin/sh", "-ec", text]
    assert len(lines) == len(instructions(rendered(build_steps=["true"])["Dockerfile"]))
