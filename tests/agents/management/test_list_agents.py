import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from rest_framework.test import APIClient
from wcwidth import width

from agents import leases
from agents.management.tables import Column, Table, printable
from agents.models import AgentRecord
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal of 100 columns that shows colours."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def list_agents(*arguments: str, **options: Any) -> str:
    output = io.StringIO()
    call_command("list_agents", *arguments, stdout=output, **options)
    return output.getvalue()


class TestTable:
    def test_an_empty_registry_shows_where_agents_register(self) -> None:
        url = f"{settings.REGISTRY_URL}/agents/register"

        assert list_agents() == f"No agents are registered. Agents register at {url}.\n"

    def test_a_row_shows_lease_status_address_name_and_tags(self) -> None:
        leases.register(
            agent_id="weather-1", agent_name="Weather", host="10.0.0.7", port=8000, tags=["eu", "x"]
        )
        leases.renew(agent_id="weather-1", status="ready")

        titles, agent, _, count = list_agents().splitlines()

        assert titles.split() == [
            "AGENT",
            "LEASE",
            "LEFT",
            "HEARTBEAT",
            "STATUS",
            "ADDRESS",
            "NAME",
            "TAGS",
        ]
        cells = agent.split()
        assert cells[:2] == ["weather-1", "alive"]
        assert cells[-4:] == ["ready", "10.0.0.7:8000", "Weather", "eu,x"]
        assert count == "1 agent alive"

    def test_expired_agents_are_counted_but_listed_only_on_request(self) -> None:
        AgentFactory.create(agent_id="alive")
        AgentFactory.create(agent_id="dead", expired=True)

        assert "dead" not in list_agents().replace("--include-dead", "")
        assert list_agents().endswith("1 agent alive; 1 expired: --include-dead lists them\n")

        listed = list_agents("--include-dead").splitlines()
        assert [line.split()[:2] for line in listed[1:3]] == [
            ["alive", "alive"],
            ["dead", "expired"],
        ]
        assert "1 h ago" in listed[2]
        assert listed[-1] == "2 agents: 1 alive, 1 expired"

    def test_without_alive_agents_the_expired_are_counted(self) -> None:
        AgentFactory.create(expired=True)

        assert list_agents() == "No agents are alive; 1 expired: --include-dead lists them.\n"

    def test_the_operators_state_is_shown_beside_the_lease(self) -> None:
        AgentFactory.create(agent_id="a", state="draining")
        AgentFactory.create(agent_id="b", state="quarantined", expired=True)

        text = list_agents("--include-dead")

        assert "alive, draining" in text
        assert "expired, quarantined" in text

    def test_an_ipv6_address_is_in_brackets(self) -> None:
        AgentFactory.create(host="2001:db8::7", port=8000)

        assert " [2001:db8::7]:8000 " in list_agents()

    def test_agents_are_ordered_by_id(self) -> None:
        for agent_id in ["b", "c", "a"]:
            AgentFactory.create(agent_id=agent_id)

        assert [line[:1] for line in list_agents().splitlines()[1:4]] == ["a", "b", "c"]

    def test_piped_output_is_neither_cut_nor_coloured(self) -> None:
        long = AgentFactory.create(agent_id="x" * 255, agent_name="n" * 256, tags=["t" * 64] * 64)

        line = list_agents().splitlines()[1]

        assert line.startswith("x" * 255)
        assert long.agent_name in line
        assert line.endswith(",".join(long.tags))
        assert "\x1b" not in line

    def test_control_characters_are_replaced(self) -> None:
        AgentFactory.create(agent_name="\x1b[2J\r\nforged line \u202e", tags=["\x07"])

        text = list_agents()

        assert "?[2J??forged line ?" in text
        assert text.replace("\n", "").isprintable()

    def test_characters_outside_the_output_encoding_are_replaced(self) -> None:
        AgentFactory.create(agent_name="Köln ☂")
        output = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")

        call_command("list_agents", stdout=output)

        output.seek(0)
        assert "Köln ?" in output.read()


class TestTerminal:
    def test_lines_fit_and_ids_are_never_cut(self, terminal: Terminal) -> None:
        AgentFactory.create(
            agent_id="a" * 40, agent_name="名" * 100, host="h" * 200, tags=["tag"] * 40, version="1"
        )
        AgentFactory.create(agent_id="b" * 250)

        call_command("list_agents", stdout=terminal, no_color=True)

        lines = terminal.getvalue().splitlines()
        assert lines[1].startswith("a" * 40 + "  alive")
        assert lines[2] == "b" * 250
        assert lines[3].startswith(" " * 40 + "  alive")
        assert max(width(line) for line in [lines[0], lines[1], lines[3]]) <= 100
        assert lines[1].count("…") == 2

    def test_the_lease_is_coloured(self, terminal: Terminal) -> None:
        AgentFactory.create(agent_id="a")
        AgentFactory.create(agent_id="b", expired=True)
        AgentFactory.create(agent_id="c", state="quarantined")

        call_command("list_agents", "--include-dead", stdout=terminal, force_color=True)

        alive, expired, quarantined = terminal.getvalue().splitlines()[1:4]
        assert "\x1b[32;1malive\x1b[0m" in alive
        assert "\x1b[31;1mexpired\x1b[0m" in expired
        assert "\x1b[33;1malive, quarantined\x1b[0m" in quarantined

    def test_no_color_disables_colours(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        AgentFactory.create()

        call_command("list_agents", stdout=terminal, force_color=True)

        assert "\x1b" not in terminal.getvalue()

    def test_optional_columns_are_left_out_if_shrinking_is_not_enough(self) -> None:
        columns = [
            Column("ID"),
            Column("HOST", min_width=4),
            Column("NAME", min_width=4, optional=True),
            Column("TAGS", min_width=4, optional=True),
        ]
        rows = [["a", "h" * 20, "n" * 20, "t" * 20]]

        assert list(Table(columns, rows, 30).lines())[1] == f"a   {'h' * 13}…  nnn…  ttt…"
        assert list(Table(columns, rows, 15).lines())[1] == "a   hhhh…  nnn…"
        assert list(Table(columns, rows, 9).lines())[1] == "a   hhhh…"
        assert list(Table(columns, rows, 3).lines())[1] == "a   hhh…"

    def test_combining_and_wide_characters_are_measured(self) -> None:
        assert width("Ko\u0308ln") == 4
        assert width("名前") == 4
        assert printable("tab\t, null\0, red \x1b[31m") == "tab?, null?, red ?[31m"


class TestJson:
    def test_an_empty_registry_is_an_empty_list(self) -> None:
        assert list_agents("--json") == "[]\n"

    @pytest.mark.parametrize("dead", [False, True])
    def test_the_json_equals_the_api(self, api: APIClient, dead: bool) -> None:
        leases.register(
            agent_id="b",
            agent_name="Köln ☂",
            host="h",
            port=1,
            metadata={"deep": [1.5, None, {"ü": "\u2028"}]},
            tags=["eu"],
            address="192.0.2.7",
        )
        leases.renew(agent_id="b", load=0.25, note="n")
        AgentFactory.create(agent_id="a", expired=True)

        printed = json.loads(list_agents("--json", *(["--include-dead"] if dead else [])))

        assert printed == api.get("/agents", {"include_dead": dead}).json()
        assert [agent["agent_id"] for agent in printed] == (["a", "b"] if dead else ["b"])

    def test_many_agents_take_one_query(self, django_assert_num_queries: Any) -> None:
        AgentRecord.objects.bulk_create(
            AgentFactory.build_batch(2_500, ttl_seconds=3600), batch_size=500
        )

        with django_assert_num_queries(1):
            printed = list_agents("--json")

        assert len(json.loads(printed)) == 2_500


@pytest.mark.integration
def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    """For example ``manage.py list_agents | head -1``."""
    url = f"sqlite:///{tmp_path}/registry.sqlite3"
    environment = os.environ | {"REGISTRY_VAR_DIR": str(tmp_path), "DATABASE_URL": url}
    environment["DJANGO_SETTINGS_MODULE"] = "registry_project.settings"
    fill = (
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "from agents import leases\n"
        "call_command('migrate', verbosity=0)\n"
        "metadata = {'long': 'x' * 3000}\n"
        "for i in range(100): leases.register(agent_id=str(i), host='h', port=1, metadata=metadata)"
    )
    options: Any = {"cwd": settings.BASE_DIR, "env": environment, "timeout": 60}
    subprocess.run([sys.executable, "-c", fill], check=True, **options)
    command = f"{sys.executable} manage.py list_agents --json | head -1"

    run = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
        **options,
    )

    assert (run.returncode, run.stdout, run.stderr) == (0, "[\n", "")
