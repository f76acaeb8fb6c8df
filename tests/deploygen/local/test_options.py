"""What run_agent refuses before it runs anything."""

import socket
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.deploygen.local.development import ECHO, SPEC, WITH_OUR_PACKAGES


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "agent.yaml").write_text(SPEC)
    (tmp_path / "handler.py").write_text(ECHO)
    return str(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--port=80"], "--port: it must be 1024 to 65535"),
        (["--registry-url=ftp://a"], "--registry-url: it must be http:// or https://"),
        (["--listen=192.0.2.1"], "--listen: 192.0.2.1 cannot be used"),
        (["--python=/no/python"], "--python: /no/python is not a program"),
        (["--no-registry", "--registry-url=http://a"], "not allowed with argument"),
    ],
)
def test_a_wrong_option_is_refused_by_name(folder: str, options: list[str], message: str) -> None:
    own = [] if any("--python" in option for option in options) else [WITH_OUR_PACKAGES]
    with pytest.raises(CommandError, match=message):
        call_command("run_agent", folder, *options, *own)


def test_a_folder_without_a_spec_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"there is no .*agent\.yaml; generate_agent --init DIR"):
        call_command("run_agent", str(tmp_path))


def test_a_port_in_use_is_refused_by_number(folder: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CommandError, match=f"port {port} is in use .* --port"):
            call_command("run_agent", folder, f"--port={port}", "--no-registry", WITH_OUR_PACKAGES)
