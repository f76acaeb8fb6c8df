"""What AI Catalog 1.0 and ARD 0.9 demand of a catalog, as ARD's conformance tool checks it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.utils.dateparse import parse_datetime

URN = re.compile(r"urn:air:(?P<publisher>[a-zA-Z0-9.-]+)(:[a-zA-Z0-9._-]+)+")
TYPES = {
    "application/a2a-agent-card+json",
    "application/ai-catalog+json",
    "application/ai-registry+json",
}
TEXTS = ("displayName", "description", "version")
LISTS = ("tags", "capabilities", "representativeQueries")
SCALARS = (str, int, float, bool, type(None))


def check_manifest(catalog: Mapping[str, Any]) -> None:
    assert catalog.keys() <= {"specVersion", "host", "entries"}
    assert catalog["specVersion"] == "1.0"
    assert catalog["host"]["displayName"]
    assert catalog["host"].keys() <= {"displayName", "identifier", "documentationUrl", "logoUrl"}
    check_entries(catalog["entries"])


def check_entries(entries: Sequence[Mapping[str, Any]]) -> None:
    identifiers = [entry["identifier"] for entry in entries]
    assert len(set(identifiers)) == len(identifiers)
    for entry in entries:
        _check_entry(entry)


def check_results(answer: Mapping[str, Any]) -> None:
    assert answer.keys() <= {"results", "referrals", "pageToken"}
    check_entries(answer["results"])
    for result in answer["results"]:
        assert type(result["score"]) is int
        assert 0 <= result["score"] <= 100
        assert urlsplit(result["source"]).scheme


def _check_entry(entry: Mapping[str, Any]) -> None:
    match = URN.fullmatch(entry["identifier"])
    assert match is not None, entry["identifier"]
    assert "." in match["publisher"]
    assert entry["displayName"]
    assert entry["type"] in TYPES
    assert entry["mediaType"] == entry["type"]
    assert "data" not in entry
    assert urlsplit(entry["url"]).scheme in {"http", "https"}
    assert all(isinstance(entry[name], str) for name in TEXTS if name in entry)
    for name in LISTS:
        assert all(isinstance(text, str) for text in entry.get(name, ()))
    assert 2 <= len(entry.get("representativeQueries", "12")) <= 5
    if "updatedAt" in entry:
        assert parse_datetime(entry["updatedAt"]) is not None
    assert all(isinstance(value, SCALARS) for value in entry.get("metadata", {}).values())
