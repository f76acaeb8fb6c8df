"""A temporary database on the server that DATABASE_URL names."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from django.db import connection
from psycopg.conninfo import make_conninfo

NAME = "registry_benchmark"


@contextmanager
def temporary_database() -> Iterator[str]:
    """Create an empty database with the registry's tables, yield its URL, and drop it.

    Django's connection uses it in the body.
    """
    usual = str(connection.settings_dict["NAME"])
    with tempfile.TemporaryDirectory(prefix="registry-benchmark-") as folder:
        is_file = connection.vendor == "sqlite"
        name = str(Path(folder) / "registry.sqlite3") if is_file else NAME
        connection.settings_dict["TEST"] = {**connection.settings_dict["TEST"], "NAME": name}
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            yield f"sqlite:///{name}" if is_file else _url_of(name)
        finally:
            connection.creation.destroy_test_db(usual, verbosity=0)


def connection_string() -> str:
    """Return PostgreSQL's connection string or SQLite's path, for a client without Django."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return str(given["NAME"])
    return make_conninfo(
        host=given["HOST"] or None,
        port=given["PORT"] or None,
        user=given["USER"] or None,
        password=given["PASSWORD"] or None,
        dbname=given["NAME"],
    )


def _url_of(name: str) -> str:
    given = {key: quote(str(value), safe="") for key, value in connection.settings_dict.items()}
    password = f":{given['PASSWORD']}" if given["PASSWORD"] else ""
    host = f"{given['HOST'] or 'localhost'}:{given['PORT'] or 5432}"
    return f"postgres://{given['USER']}{password}@{host}/{name}"
