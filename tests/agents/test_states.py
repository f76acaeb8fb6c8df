"""A state is defined once, in `agents/states.py`; everything else is derived from there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

from agents.models import AgentEvent, AgentRecord
from agents.states import Level, State, Status

ENTRY = """
    PAUSED = StateEntry(
        value="paused",
        level=Level.HOLD,
        hint="on a break",
        verb="pause",
        event="paused",
        effect="It takes a break.",
    )

    @property
    def is_default("""
# Models read their choices when they are imported, so the entry is added before that.
LAUNCH = f"""
import importlib.util, json, os, sys, types
from pathlib import Path

import django

source = Path("agents/states.py").read_text()
before, after = source.split("\\n    @property\\n    def is_default(")
module = sys.modules["agents.states"] = types.ModuleType("agents.states")
exec(before + {ENTRY!r} + after, vars(module))
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
django.setup()

from tests.agents.made_up_state import report

json.dump(report(), sys.stdout)
"""


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The report of a registry whose `State` has an extra member `PAUSED`."""
    folder = tmp_path_factory.mktemp("made-up-state")
    environment = os.environ | {
        "REGISTRY_VAR_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder}/registry.sqlite3",
    }
    run = subprocess.run(
        [sys.executable, "-c", LAUNCH],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


class TestAddedState:
    def test_an_added_state_needs_a_migration_of_agents_and_events(self, made_up: Any) -> None:
        assert made_up["missing migrations"] == [
            "Alter field kind on agentevent",
            "Alter field state on agentrecord",
        ]

    def test_an_added_state_has_an_operation_that_is_confirmed_and_recorded(
        self, made_up: Any
    ) -> None:
        assert "Pause 1 agent?" in made_up["confirmation"]
        assert "It takes a break." in made_up["confirmation"]
        assert "the state is paused" in made_up["confirmation"]
        assert made_up["messages"] == ["1 agent paused."]
        assert made_up["events"] == [["registered", ""], ["paused", "tired"]]

    def test_the_list_has_an_action_filter_view_and_colour_for_it(self, made_up: Any) -> None:
        html = made_up["list"]

        assert re.search(r'<button [^>]*name="action" value="pause">Pause…</button>', html)
        assert re.search(r'href="\?state__exact=paused"[^>]*>Paused</a>', html)
        assert re.search(r'class="fleet-dot level-hold"[^>]*>paused</span>', html)
        assert "agentrecord/a/change" in html
        assert "agentrecord/b/change" not in html

    def test_the_overview_has_a_tile_and_events_for_it(self, made_up: Any) -> None:
        assert re.search(
            r'class="card tile level-hold"[^>]*> <a href="[^"]*\?state__exact=paused"[^>]*>'
            r' <span class="tile-name">Paused</span> <span class="tile-count">1</span>'
            r' <span class="tile-hint">on a break</span>',
            made_up["front"],
        )
        assert '<span class="agent-label level-hold">paused</span>' in made_up["front"]

    def test_an_agents_page_names_who_set_it_and_offers_the_other_states(
        self, made_up: Any
    ) -> None:
        html = made_up["page"]

        assert re.search(r"paused</strong> set by admin:ada .*: tired", html)
        offered = re.findall(r'name="action" value="(\w+)"', html)
        assert offered == ["drain", "quarantine", "resume", "extend", "deregister"]

    def test_api_heartbeats_and_metrics_include_it(self, made_up: Any) -> None:
        assert made_up["heartbeat"]["state"] == "paused"
        assert [agent["agent_id"] for agent in made_up["api"]] == ["a"]
        assert 'agents{lease="alive",state="paused"} 1' in made_up["metrics"]
        assert "- paused\n" in made_up["schema"]


@pytest.mark.parametrize("level", Level)
def test_every_level_has_a_colour(level: Level) -> None:
    path = finders.find("agents/theme.css")
    css = Path(str(path)).read_text(encoding="utf-8")

    assert f".level-{level} {{ --level: var(--{level});" in css
    assert re.search(rf"^  --{level}: light-dark\(", css, re.MULTILINE)
    assert re.search(rf"^  --{level}-soft: light-dark\(", css, re.MULTILINE)


@pytest.mark.parametrize("state", State)
def test_every_state_and_its_event_are_valid_in_the_database_columns(state: State) -> None:
    AgentRecord(state=state).clean_fields(exclude=fields_but("state", AgentRecord))
    AgentEvent(kind=state.event).clean_fields(exclude=fields_but("kind", AgentEvent))


def fields_but(name: str, model: Any) -> set[str]:
    return {field.name for field in model._meta.fields} - {name}


def test_an_unknown_value_has_the_level_warn() -> None:
    assert State.level_of("paused") is Status.level_of("asleep") is Level.WARN
