"""A real web server with the made-up fleet of `seed_demo`, and people who are logged in."""

import fcntl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Literal

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group, User
from django.db import connection, connections
from pytest_django import DjangoDbBlocker

from agents.demo.seed import seed
from agents.models import AgentRecord
from tests.integration.registry_process import MANAGE, environment_for
from tests.registry_project.server.registry_web import RegistryWeb, prepared, registry_web

Role = Literal["Viewer", "Operator", "Admin", "Superuser"]
ROLES: tuple[Role, ...] = ("Viewer", "Operator", "Admin", "Superuser")
LONG_TTL_SECONDS = 86_400


@dataclass(frozen=True)
class SeededRegistry:
    """Its people are named like their roles: viewer, operator, admin, superuser."""

    web: RegistryWeb
    database: Path
    sessions: dict[Role, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.web.url


@contextmanager
def seeded_registry(
    folder: Path, blocker: DjangoDbBlocker, **variables: str
) -> Iterator[SeededRegistry]:
    """Run a registry in open mode unless the environment's `variables` say otherwise.

    Its agents do not expire during the tests.
    """
    environment = prepared(
        folder, SECRET_KEY=settings.SECRET_KEY, STATIC_ROOT=_collected_files(), **variables
    )
    database = Path(environment["REGISTRY_VAR_DIR"]) / "registry.sqlite3"
    with using(database, blocker):
        seed(1)
        AgentRecord.objects.update(ttl_seconds=LONG_TTL_SECONDS)
        sessions = {role: _log_in(role) for role in ROLES}
    with registry_web(folder, environment) as web:
        yield SeededRegistry(web, database, sessions)


def _collected_files() -> str:
    """Return the folder of static files as a registry serves them, one for all test processes."""
    folder = settings.VAR_DIR.parent / "static"
    folder.mkdir(exist_ok=True)
    environment = environment_for(folder, STATIC_ROOT=str(folder))
    command = "from registry_project import static_files; static_files.collect()"
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([*MANAGE, "shell", "-v0", "-c", command], env=environment, check=True)
    return str(folder)


@contextmanager
def using(database: Path, blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let Django's models in this process work on a file of SQLite."""
    if connection.vendor != "sqlite":
        raise RuntimeError("tests in the browser need SQLite: unset DATABASE_URL")
    connections.close_all()
    tests_own = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = str(database)
    try:
        with blocker.unblock():
            yield
            connections.close_all()
    finally:
        connection.settings_dict["NAME"] = tests_own


def _log_in(role: Role) -> str:
    """Return the key of a new session."""
    user = User.objects.create_user(
        role.lower(), is_staff=True, is_superuser=role == "Superuser", first_name=role
    )
    if not user.is_superuser:
        user.groups.add(Group.objects.get(name=role))
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)
