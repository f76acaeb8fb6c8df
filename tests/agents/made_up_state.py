"""Runs in a process whose `State` has an extra member `PAUSED`: reports where it shows up."""

from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.test import Client
from django.test.utils import setup_test_environment
from rest_framework.test import APIClient

from agents import leases
from agents.models import AgentEvent

AGENTS = "/admin/agents/agentrecord/"
ACTION = {"action": "pause", "_selected_action": "a"}


def report() -> dict[str, Any]:
    """Pause the agent "a" of two; return pages and responses that should show it."""
    setup_test_environment()
    call_command("migrate", verbosity=0)
    admin, api = Client(), APIClient()
    admin.force_login(User.objects.create_superuser("ada"))
    leases.register(agent_id="a", host="h", port=1)
    leases.register(agent_id="b", host="h", port=1)
    confirmation = admin.post(AGENTS, ACTION).content.decode()
    confirmed = ACTION | {"confirmed": "yes", "reason": "tired"}
    done = admin.post(AGENTS, confirmed, follow=True)
    return {
        "missing migrations": missing_migrations(),
        "confirmation": confirmation,
        "messages": [str(message) for message in done.context["messages"]],
        "events": list(AgentEvent.objects.filter(agent_id="a").values_list("kind", "reason")),
        "list": admin.get(AGENTS, {"state__exact": "paused"}).content.decode(),
        "front": " ".join(admin.get("/admin/").content.decode().split()),
        "page": admin.get(f"{AGENTS}a/change/").content.decode(),
        "heartbeat": api.post("/agents/a/heartbeat").json(),
        "api": api.get("/agents", {"state": "paused"}).json(),
        "metrics": api.get("/metrics").content.decode(),
        "schema": api.get("/schema").content.decode(),
    }


def missing_migrations() -> list[str]:
    loader = MigrationLoader(None)
    detector = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps))
    migrations = detector.changes(graph=loader.graph).get("agents", [])
    return sorted(one.describe() for migration in migrations for one in migration.operations)
