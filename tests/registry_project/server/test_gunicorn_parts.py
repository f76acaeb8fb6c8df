"""The parts of gunicorn on which the server is built exist and have the expected signatures.

If a new version of gunicorn fails here, adapt `gunicorn_parts`, then the pin in
requirements/base.in.
"""

import ast
import inspect
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.http.wsgi import Response, create

from registry_project.server import gunicorn_parts

PROJECT = Path(__file__).parents[3]
PARAMETERS = {
    gunicorn_parts.get_parser: ["cfg", "source", "source_addr", "http2_connection"],
    create: [
        "req",
        "sock",
        "client",
        "server",
        "cfg",
        "response_class",
        "response_args",
    ],
    gunicorn_parts.write_error: ["sock", "status_int", "reason", "mesg"],
    Response.__init__: ["self", "req", "sock", "cfg"],
    Response.start_response: ["self", "status", "headers", "exc_info"],
    Response.write: ["self", "arg"],
    Response.close: ["self"],
    Response.send_headers: ["self"],
    Response.force_close: ["self"],
    Response.should_close: ["self"],
    gunicorn_parts.GunicornWorker.init_process: ["self"],
    gunicorn_parts.GunicornWorker.load_wsgi: ["self"],
    gunicorn_parts.GunicornWorker.run: ["self"],
    gunicorn_parts.GunicornWorker.notify: ["self"],
    gunicorn_parts.GunicornWorker.handle_exit: ["self", "sig", "frame"],
    gunicorn_parts.GunicornWorker.handle_quit: ["self", "sig", "frame"],
    gunicorn_parts.GunicornWorker.handle_error: ["self", "req", "client", "addr", "exc"],
    RequestParser.__next__: ["self"],
    Request.force_close: ["self"],
    Logger.access: ["self", "resp", "req", "environ", "request_time"],
}
# Attributes that `__init__` or `load_wsgi` sets on each worker and each response.
ATTRIBUTES = {
    gunicorn_parts.GunicornWorker: [
        "alive",
        "ppid",
        "sockets",
        "cfg",
        "log",
        "nr",
        "max_requests",
        "wsgi",
    ],
    Response: [
        "_omits_body",
        "response_length",
        "sent",
        "headers_sent",
        "chunked",
    ],
}
SETTINGS = ["worker_connections", "threads", "keepalive", "graceful_timeout", "is_ssl"]


def name_of(part: Any) -> str:
    return str(getattr(part, "__qualname__", part))


@pytest.mark.parametrize("part", PARAMETERS, ids=name_of)
def test_a_part_has_the_expected_parameters(part: Any) -> None:
    assert list(inspect.signature(part).parameters) == PARAMETERS[part]


@pytest.mark.parametrize("part", ATTRIBUTES, ids=name_of)
def test_a_part_sets_the_attributes_that_we_use(part: Any) -> None:
    source = inspect.getsource(part)
    assert [name for name in ATTRIBUTES[part] if f"self.{name} = " not in source] == []


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_exists(setting: str) -> None:
    assert hasattr(Config(), setting)


def test_the_file_wrapper_and_the_error_for_missing_data_exist() -> None:
    assert inspect.isclass(gunicorn_parts.FileWrapper)
    assert issubclass(gunicorn_parts.NoMoreData, OSError)


def test_gunicorn_is_pinned_to_the_minor_version_that_is_tested() -> None:
    [pin] = re.findall(
        r"^gunicorn(.*)$", (PROJECT / "requirements/base.in").read_text(), re.MULTILINE
    )
    major, minor, *_ = version("gunicorn").split(".")

    assert pin == f">={major}.{minor},<{major}.{int(minor) + 1}"


def test_no_other_module_imports_gunicorn() -> None:
    importing = {
        path.relative_to(PROJECT).as_posix()
        for path in (PROJECT / "registry_project").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or node.names[0].name]
        if name.split(".")[0] == "gunicorn"
    }

    assert importing == {"registry_project/server/gunicorn_parts.py"}
