import errno
import socket

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

HIGHEST_PORT = 65_535
PORTS_TO_LOOK_AT = 50
MIGRATIONS_TO_NAME = 3


class PreflightError(Exception):
    pass


def check_address(host: str, port: int) -> None:
    try:
        _listen(host, port)
    except OSError as error:
        raise PreflightError(_explain(error, host, port)) from error


def check_database() -> None:
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        raise PreflightError(f"The database does not answer: {error}".rstrip()) from error


def check_migrations() -> None:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        names = [f"{migration.app_label} {migration.name}" for migration, _ in plan]
        more = len(names) - MIGRATIONS_TO_NAME
        missing = ", ".join(names[:MIGRATIONS_TO_NAME]) + (f" and {more} more" if more > 0 else "")
        raise PreflightError(
            f"The database lacks migrations ({missing}). Run: python manage.py migrate"
        )


def _listen(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        # As servers do: connections in TIME_WAIT do not matter.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        probe.listen()


def _explain(error: OSError, host: str, port: int) -> str:
    if isinstance(error, socket.gaierror):
        return f"{host} is not an address of this machine: {error.strerror}."
    if error.errno == errno.EADDRINUSE:
        taken = f"Port {port} on {host} is in use by another program"
        other = _free_port_after(host, port)
        if other is None:
            return (
                f"{taken}; choose another: make run PORT=..., or: manage.py start_registry --port"
            )
        return (
            f"{taken}; {other} is free. "
            f"Use it with: make run PORT={other}, or: manage.py start_registry --port {other}"
        )
    if error.errno == errno.EACCES:
        return f"Port {port} is reserved for root; choose one above 1023."
    return f"The registry cannot listen on {host}, port {port}: {error.strerror}."


def _free_port_after(host: str, port: int) -> int | None:
    for candidate in range(port + 1, min(port + PORTS_TO_LOOK_AT, HIGHEST_PORT) + 1):
        try:
            _listen(host, candidate)
        except OSError:
            continue
        return candidate
    return None
