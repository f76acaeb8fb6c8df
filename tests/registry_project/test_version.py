"""The version is defined in one place, and everything that shows it agrees."""

import io
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from registry_project.version import VERSION

PROJECT = Path(settings.BASE_DIR)


def test_the_command_prints_the_version() -> None:
    output = io.StringIO()

    call_command("version", stdout=output)

    assert output.getvalue() == f"{VERSION}\n"


@pytest.mark.django_db
def test_health_and_the_api_document_report_the_version(client: Client) -> None:
    assert client.get("/health").json()["version"] == VERSION
    assert client.get("/schema", {"format": "json"}).json()["info"]["version"] == VERSION


def test_the_image_and_the_changelog_have_the_same_version() -> None:
    label = re.search(r'image\.version="([^"]+)"', (PROJECT / "Dockerfile").read_text())
    newest = re.search(r"^## (\d\S*)", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert label is not None
    assert newest is not None
    assert (label[1], newest[1]) == (VERSION, VERSION)
