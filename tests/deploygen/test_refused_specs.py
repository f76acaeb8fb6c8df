"""Specs that cannot work are refused with their line and a suggestion; nothing is written."""

import io
import re
import shutil
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from packaging.requirements import Requirement

from deploygen.output.package import runtime_ranges

FUNCTION = "def handle(inputs): return {}\n"
RANGES = {Requirement(line).name: line for line in runtime_ranges()}


@pytest.fixture(autouse=True)
def _in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def generate(spec: str, **modules: str) -> None:
    shutil.rmtree("spec", ignore_errors=True)
    Path("spec").mkdir()
    Path("spec/agent.yaml").write_text(f"name: an-agent\n{spec}\n")
    for name, text in modules.items():
        Path(f"spec/{name}.py").write_text(text)
    call_command(
        "generate_agent", "spec/agent.yaml", "--no-registry", "--no-lock", stdout=io.StringIO()
    )


def refused(spec: str, **modules: str) -> str:
    """Return the error message, and assert that nothing was written."""
    with pytest.raises(CommandError) as error:
        generate(spec, **modules)
    assert not Path("an-agent").exists()
    return str(error.value)


def accepted(spec: str, **modules: str) -> None:
    generate(spec, **modules)
    shutil.rmtree("an-agent")


@pytest.mark.parametrize(
    ("handler", "meant"),
    [
        ("handler.py:handle", "handler:handle"),
        ("handler.handle", "handler:handle"),
        ("handler", "handler:handle"),
        ("handler.py", "handler:handle"),
        ("./handler.py:handle", "handler:handle"),
        ("handler:handle()", "handler:handle"),
        ("handler.handle(inputs)", "handler:handle"),
        ("handler::handle", "handler:handle"),
        ("handler:", "handler:handle"),
        ("handler : run", "handler:run"),
        ("handler/handle:run", "handler.handle:run"),
        ("src\\\\handler.py:run", "src.handler:run"),
        ("my-agent:handle", "my_agent:handle"),
    ],
)
def test_a_misspelt_handler_is_refused_with_a_suggestion(handler: str, meant: str) -> None:
    message = refused(f'handler: "{handler}"', handler=FUNCTION)
    assert message.startswith("spec/agent.yaml:2: handler: it must be module:function, not ")
    assert f"did you mean '{meant}'" in message


def test_a_method_as_a_handler_is_refused() -> None:
    message = refused("handler: handler:Agent.run", handler="class Agent: ...\n")
    assert message.startswith("spec/agent.yaml:2: handler: it must be module:function")
    assert "write a function of the module that calls it" in message


@pytest.mark.parametrize("module", ["json", "logging.handlers", "agent_runtime", "fastapi.routing"])
def test_a_handler_in_a_module_of_python_or_the_runtime_is_refused(module: str) -> None:
    message = refused(f"requirements: [numpy]\nhandler: {module}:handle")
    assert message.startswith("spec/agent.yaml:3: handler: ")
    assert "give yours another name" in message


def test_a_handler_below_a_single_module_is_refused() -> None:
    message = refused("requirements: [numpy]\nhandler: tools.work:run", tools=FUNCTION)
    assert message == (
        "spec/agent.yaml:3: handler: tools.py is a single module, with nothing below it; "
        "did you mean 'tools:run'?"
    )


def test_a_missing_handler_module_is_refused_with_a_similar_name() -> None:
    message = refused("handler: hanlder:handle", handler=FUNCTION)
    assert message.startswith("spec/agent.yaml:2: handler: there is no hanlder.py beside the spec")
    assert "did you mean 'handler:handle'?" in message
    # The handler to fill in has another function.
    assert "spec/agent.yaml:2: handler: there is no handler.py" in refused(
        "handler: handler:run\nrequirements: [numpy]"
    )
    accepted("handler: my_tools:run\nrequirements: [my-tools]")


def in_packages(handler: str, **files: str) -> str:
    """Return the error of a spec with these modules in its folder, "" if there is none."""
    shutil.rmtree("spec", ignore_errors=True)
    for name, text in files.items():
        path = Path("spec", name.replace("__", "/").replace("/init", "/__init__") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    Path("spec/agent.yaml").write_text(f"name: an-agent\nhandler: {handler}\n")
    try:
        call_command("generate_agent", "spec/agent.yaml", "--no-registry", stdout=io.StringIO())
    except CommandError as error:
        return str(error)
    shutil.rmtree("an-agent")
    return ""


@pytest.mark.parametrize(
    ("handler", "files"),
    [
        ("tools.work:run", {"tools__work": "def run(inputs): ..."}),
        ("tools.work:run", {"tools__init": "", "tools__work": "def run(inputs): ..."}),
        ("tools:run", {"tools__init": "from .work import run", "tools__work": "def run(i): ..."}),
        ("a.b.c:run", {"a__b__c": "from ..d import run", "a__d": "def run(inputs): ..."}),
        ("handler:handle", {"handler__init": "from .work import *", "handler__work": ""}),
    ],
)
def test_a_handler_in_a_package_is_found(handler: str, files: dict[str, str]) -> None:
    assert in_packages(handler, **files) == ""


@pytest.mark.parametrize(
    ("handler", "files", "problem"),
    [
        ("tools:run", {"tools__work": ""}, "tools is a folder without __init__.py"),
        ("tools.wrk:run", {"tools__work": ""}, "did you mean 'tools.work:run'?"),
        ("tools.work.x:run", {"tools__work": ""}, "tools has no module tools.work.x, but"),
        ("tools.work:run", {"tools__work": "x = 1"}, "tools/work.py defines no function run"),
        (
            "tools:run",
            {"tools__init": "from .work import run", "tools__work": "x = 1"},
            "tools/work.py defines no function run",
        ),
        (
            "tools.work:run",
            {"tools__work": "from ..other import run", "other": "def run(i): ..."},
            "line 1 of tools/work.py: a relative import leads above the package",
        ),
    ],
)
def test_a_handler_that_a_package_does_not_have_is_refused(
    handler: str, files: dict[str, str], problem: str
) -> None:
    assert in_packages(handler, **files).startswith("spec/agent.yaml:2: handler: ")
    assert problem in in_packages(handler, **files)


def test_a_handler_that_is_excluded_is_refused() -> None:
    message = refused("handler: work:run\nexclude: [work.py]", work="def run(inputs): ...")
    assert "work.py is left out of the agent: see the keys include and exclude" in message


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("def run(inputs): return {}", "defines no function handle; did you mean 'handler:run'?"),
        ("def handler(i): ...\ndef other(i): ...", "did you mean 'handler:handler'?"),
        ("def one(i): ...\ndef two(i): ...", "defines no function handle, but one, two"),
        ("x = 1", "defines no function handle"),
        ("", "defines no function handle"),
        ("handle: object", "defines no function handle"),
        ("if __name__ == '__main__':\n    def handle(i): ...", "defines no function handle"),
        ("class Agent:\n    def handle(self, i): ...", "handle is a method of Agent"),
        ("def outer():\n    def handle(i): ...", "defines no function handle"),
        ("class handle:\n    pass", "line 1 of handler.py: handle is a class"),
        ("handle = {}", "line 1 of handler.py: handle is a value"),
        ("import json as handle", "line 1 of handler.py: handle is a module"),
        ("\ndef handle(): return {}", "line 2 of handler.py: handle must take one argument"),
        ("async def handle(a, b): return {}", "handle must take one argument"),
        ("def handle(a, *, b): return {}", "handle must take one argument"),
        ("def handle(*, context): return {}", "handle must take one argument"),
        ("def handle(a, context, /): return {}", "handle must take one argument"),
        ("def handle(a, context, more): return {}", "handle must take one argument"),
        ("from . import work", "line 1 of handler.py: a relative import"),
        ("from work import handle", "work.py defines no function handle"),
        ("x = 1\nx +* 2\ndef handle(inputs): ...", "line 2 of handler.py is not Python: invalid"),
        ("def handle(inputs):\nreturn {}", "line 2 of handler.py is not Python: expected an ind"),
        ("def handle(inputs", "line 1 of handler.py is not Python: '(' was never closed"),
        ("def handle(inputs): return {}\n\0", "handler.py is not Python: "),
    ],
)
def test_a_handler_that_its_module_does_not_define_is_refused(code: str, problem: str) -> None:
    message = refused("port: 8001\nhandler: handler:handle", handler=code, work="x = 1\n")
    assert message.startswith("spec/agent.yaml:3: handler: ")
    assert problem in message
    # If the spec does not name the handler, the error is at its first line.
    assert refused("", handler=code, work="").startswith("spec/agent.yaml:1: handler: ")


@pytest.mark.parametrize(
    "code",
    [
        "async def handle(inputs, more=None): return {}",
        "def handle(*args, **kwargs): return {}",
        "def handle(inputs): yield 'text'",
        "async def handle(inputs): yield 'text'",
        "def handle(inputs, context): return {}",
        "async def handle(inputs, *, context, more=1): return {}",
        "def handle(*inputs, context): return {}",
        "def handle(inputs=None, /, *, more=1): return {}",
        "def handle(inputs):\n    def inner(): yield 1\n    return {}",
        "@decorated\ndef handle(): yield 1",
        "handle = lambda inputs: {}",
        "handle = Agent().run",
        "try:\n    from fast import handle\nexcept ImportError:\n    def handle(inputs): return {}",
        "if True:\n    def handle(inputs): return {}",
        "handle = None\nif True:\n    handle = print",
        "from work import handle",
        "from work import run as handle",
        "from fastapi import *",
        "class handle(dict): ...",
        "def __getattr__(name): ...",
        "globals()['handle'] = print",
        "def set_up():\n    global handle\n    handle = print\nset_up()",
        "try:\n    from .work import handle\nexcept ImportError:\n    from work import handle",
        "\ufeffdef handle(inputs): return {}",
        # Syntax newer than Python 3.11.
        "def handle[T](inputs: T) -> T: return inputs",
        "class Box[T]: ...\ndef handle(inputs): return {}",
        "try: ...\nexcept ValueError, TypeError: ...\ndef handle(inputs): return {}",
        "type Inputs = dict\ndef handle(inputs: Inputs): return {}",
        'def handle(inputs): return {"a": f"{inputs["a"]}"}',
    ],
)
def test_a_handler_that_may_work_is_accepted(code: str) -> None:
    work = "def handle(inputs): return {}\ndef run(inputs): return {}\n"
    accepted("handler: handler:handle\nbase_image: python:3.99", handler=code, work=work)


def test_a_module_that_hides_a_requirement_is_refused() -> None:
    message = refused("requirements:\n  - requests\n  - my-tools>=2", handler=FUNCTION, my_tools="")
    assert message == (
        "spec/agent.yaml:4: requirements[1]: the module my_tools.py beside the spec would hide it: "
        "give the module another name"
    )


@pytest.mark.parametrize("name", sorted(RANGES))
def test_a_requirement_that_excludes_what_every_agent_needs_is_refused(name: str) -> None:
    message = refused(f'requirements:\n  - numpy\n  - "{name}<0.0.1"')
    assert message == (
        f"spec/agent.yaml:4: requirements[1]: every agent needs '{Requirement(RANGES[name])}', "
        "which it excludes: leave it out"
    )
    accepted(f'requirements: ["{name}>=0.0.1"]')


@pytest.mark.parametrize(
    "requirement",
    [
        "Py.dantic<2",
        "starlette==0.30",
        "httpx<0.27",
        "uvicorn>=2",
        "pydantic<2; python_version >= '3.11'",
        "pydantic<2; sys_platform == 'linux' and extra != 'x'",
        "pydantic<2; python_version >= '3.13'",
        "fastapi===0.1",
        "pydantic @ https://host.example/pydantic-1.10.0-py3-none-any.whl",
        "httpx @ https://host.example/httpx-0.9.tar.gz",
    ],
)
def test_exclusions_are_recognised_in_every_spelling(requirement: str) -> None:
    message = refused(f'requirements: ["{requirement.replace("Py.", "Py")}"]')
    assert message.startswith("spec/agent.yaml:2: requirements[0]: every agent needs ")


@pytest.mark.parametrize(
    "requirement",
    [
        "pydantic<2; python_version < '3.9'",
        "pydantic<2; sys_platform == 'win32'",
        "pydantic<2; extra == 'old'",
        "pydantic<2; platform_machine == 'riscv64'",
        "pydantic>=2,<3",
        "uvicorn[standard]",
        "httpx<0.28",
        "opentelemetry-api<1.45",
    ],
)
def test_a_requirement_compatible_with_the_runtime_is_accepted(
    requirement: str,
) -> None:
    accepted(f'requirements: ["{requirement}"]')


def test_markers_are_evaluated_for_the_python_of_the_base_image() -> None:
    later = "requirements: [\"pydantic<2; python_version >= '3.13'\"]"
    accepted(f"{later}\nbase_image: python:3.12-slim")
    accepted(f"{later}\nbase_image: registry.example/our-own")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("numpy>=2", "numpy<2"),
        ("numpy==1.26", "NumPy==2.0"),
        ("My_Tools<2", "my-tools[all]>=2; python_version > '3.10'"),
        ("tools @ https://a.example/tools-1.tar.gz", "tools @ https://b.example/tools-1.tar.gz"),
        ("tools>=2", "tools @ https://a.example/tools-1.0-py3-none-any.whl"),
    ],
)
def test_requirements_that_exclude_each_other_are_refused(first: str, second: str) -> None:
    message = refused(f'requirements:\n  - "{first}"\n  - requests\n  - "{second}"')
    assert message.startswith("spec/agent.yaml:5: requirements[2]: ")
    assert f"'{first}', which is requirements[0]" in message


def test_requirements_that_agree_or_never_apply_together_are_accepted() -> None:
    accepted('requirements: ["numpy>=2", "numpy<3", "numpy!=2.1"]')
    older, newer = "numpy<2; python_version < '3.12'", "numpy>=2; python_version >= '3.12'"
    accepted(f'requirements: ["{older}", "{newer}"]')


def test_a_requirement_that_excludes_itself_is_refused() -> None:
    assert "spec/agent.yaml:2: requirements[0]: no version can be 'numpy>=2,<1'" in refused(
        'requirements: ["numpy>=2,<1"]'
    )


@pytest.mark.parametrize(
    ("requirement", "works"),
    [
        ("-r other.txt", "write its lines here"),
        ("--requirement=other.txt", "write its lines here"),
        ("-c limits.txt", "write the versions here"),
        ("-e .", "a module beside the spec"),
        ("--pre", "such as 'numpy>=2.0rc1'"),
        ("--find-links https://a.example", "options of pip"),
        ("numpy --no-binary :all:", "options of pip"),
        ("numpy --hash=sha256:00", "options of pip"),
        ("pip install numpy", "leave 'pip install' out"),
        ("numpy=2", "write 'numpy==2'"),
        ("numpy 2", "it is not a requirement such as 'numpy>=2'"),
        ("numpy>=2 requests", "it is not a requirement such as 'numpy>=2'"),
        ("numpy>=two", "it is not a requirement such as 'numpy>=2'"),
        ("numpy; python_versoin > '3'", "it is not a requirement such as 'numpy>=2'"),
        ("agent-runtime", "the package of every agent"),
        ("tools @ https://a.example/other-1.0-py3-none-any.whl", "is a wheel of other"),
    ],
)
def test_a_line_that_is_not_a_requirement_is_refused_with_a_suggestion(
    requirement: str, works: str
) -> None:
    message = refused(f'requirements:\n  - "{requirement}"')
    assert message.startswith("spec/agent.yaml:3: requirements[0]: ")
    assert works in message


@pytest.mark.parametrize(
    "image", ["python:3.9-slim", "docker.io/library/python:2.7", "python:3.10"]
)
def test_a_base_image_with_an_old_python_is_refused(image: str) -> None:
    message = refused(f"base_image: {image}")
    assert message.startswith("spec/agent.yaml:2: base_image: ")
    assert "3.11 or newer" in message
    accepted("base_image: python:3.11-alpine")


def test_all_problems_are_reported_at_once() -> None:
    message = refused(
        'handler: handler:run\nrequirements: ["httpx<0.1", "a>1", "a<1"]', handler=FUNCTION
    )
    assert re.findall(r"agent.yaml:(\d): ([a-z0-9\[\]]+)", message) == [
        ("2", "handler"),
        ("3", "requirements[0]"),
        ("3", "requirements[2]"),
    ]


def test_a_refused_spec_leaves_the_generated_folder_unchanged() -> None:
    generate("", handler=FUNCTION)
    before = {path: path.read_bytes() for path in Path("an-agent").rglob("*") if path.is_file()}
    for spec in ("handler: handler:run", 'requirements: ["pydantic<2"]'):
        with pytest.raises(CommandError):
            generate(spec, handler=FUNCTION)
    after = {path: path.read_bytes() for path in Path("an-agent").rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.parametrize("file", ["tools/fetch.py", "handler", ".env"])
def test_a_build_step_whose_file_is_not_copied_is_refused(file: str) -> None:
    message = refused(f"build_steps:\n  - run: make\n    files: ['{file}']", handler=FUNCTION)
    assert message == (
        f"spec/agent.yaml:4: build_steps[0].files: {file} is not among the files copied from "
        "the spec's folder"
    )
    accepted("build_steps: [{run: make, files: [handler.py]}]", handler=FUNCTION)
