from pathlib import Path
from typing import Any

import pytest
from django.templatetags.static import static
from django.test import Client
from pytest_django import Settings

from registry_project import static_files
from registry_project.static_files import collect

# Closing a response looks at the connection to the database.
pytestmark = pytest.mark.django_db
DECADE = 10 * 365 * 86_400


@pytest.fixture
def source(tmp_path: Path, settings: Settings) -> Path:
    """The only static file."""
    file = tmp_path / "source" / "agents" / "page.css"
    file.parent.mkdir(parents=True)
    file.write_text("body { color: red }\n" * 100)
    settings.STATICFILES_DIRS = [tmp_path / "source"]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "collected"
    settings.STATIC_ROOT.mkdir()
    return file


def forget(settings: Settings) -> None:
    """Do what a new process does: Django forgets the files when a setting changes."""
    settings.STATIC_ROOT = settings.STATIC_ROOT


def content(response: Any) -> bytes:
    body = b"".join(response)
    response.close()
    return body


def test_collected_files_are_compressed_and_kept_by_browsers(
    source: Path, settings: Settings
) -> None:
    collect()
    forget(settings)
    url = static("agents/page.css")

    answer = Client().get(url, headers={"Accept-Encoding": "gzip"})

    assert url != "/static/agents/page.css"
    assert answer["Content-Encoding"] == "gzip"
    assert answer["Cache-Control"] == f"max-age={DECADE}, public, immutable"
    assert len(content(answer)) < source.stat().st_size / 10


@pytest.mark.parametrize("is_collected", [False, True])
def test_files_that_were_not_collected_as_they_are_have_their_own_names(
    source: Path, settings: Settings, is_collected: bool
) -> None:
    if is_collected:
        collect()
        source.write_text("body { color: blue }")
    forget(settings)

    assert static("agents/page.css") == "/static/agents/page.css"
    assert content(Client().get("/static/agents/page.css")) == source.read_bytes()


def test_files_are_collected_again_only_after_a_change(source: Path, settings: Settings) -> None:
    def changed() -> set[Path]:
        forget(settings)
        for file in settings.STATIC_ROOT.rglob("*.css"):
            file.write_text("as it was")
        collect()
        return {
            file for file in settings.STATIC_ROOT.rglob("*.css") if file.read_text() != "as it was"
        }

    assert changed()
    assert not changed()
    source.write_text("body { color: blue }")
    assert changed()


def test_nothing_is_collected_while_developing(source: Path, settings: Settings) -> None:
    settings.DEBUG = True
    static_files.collect()
    assert not list(settings.STATIC_ROOT.iterdir())


def test_a_favicon_is_found_where_a_page_names_none(client: Client) -> None:
    answer = client.get("/favicon.ico", follow=True)
    assert b"<svg" in content(answer)
    assert answer["Content-Type"] == "image/svg+xml"
