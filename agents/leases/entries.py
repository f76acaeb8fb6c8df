"""Catalog entries: written with each registration, if they changed."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import JSONField

from agents.database.dialect import dialect
from agents.database.tables import table
from agents.json_values import list_at, text_at
from agents.models import CatalogEntry, card_in
from agents.words import join_words

MAX_DESCRIPTION_LENGTH = 1_000
MAX_NAMES = 64
MAX_NAME_LENGTH = 64
FEWEST_QUERIES, MOST_QUERIES = 2, 5
MAX_QUERY_LENGTH = 256
# Characters of words that are kept.
MOST_OF_NAMES, MOST_OF_SKILLS, MOST_OF_DESCRIPTIONS, MOST_OF_EXAMPLES = 1_000, 4_000, 4_000, 2_000
DIGEST_BYTES = 12

COLUMNS = [
    field
    for field in CatalogEntry._meta.concrete_fields
    if not field.primary_key and field.attname != "agent_id"
]
# As columns beside those of records.
GIVEN = {f"entry_{field.attname}": field for field in COLUMNS}


def entry_values(columns: Mapping[str, Any], card: Mapping[str, Any] | None) -> list[Any]:
    """Return the values of GIVEN."""
    entry = entry_of(columns, card)
    return [entry[field.attname] for field in COLUMNS]


def entries_sql(rows: str) -> str:
    """Return an INSERT of entries from `rows`, which have GIVEN. Only locks unchanged ones."""
    names = ", ".join(str(field.column) for field in COLUMNS)
    values = ", ".join(
        dialect.text_as_json(name) if isinstance(field, JSONField) else name
        for name, field in GIVEN.items()
    )
    changes = ", ".join(f"{field.column} = EXCLUDED.{field.column}" for field in COLUMNS)
    # Without WHERE, SQLite would read ON CONFLICT as the ON of a join.
    return (
        f"INSERT INTO {table(CatalogEntry)} AS entry (agent_id, {names})"  # noqa: S608 - all ours
        f" SELECT agent_id, {values} FROM {rows} WHERE TRUE"
        f" ON CONFLICT (agent_id) DO UPDATE SET {changes} WHERE entry.digest <> EXCLUDED.digest"
    )


def entry_of(columns: Mapping[str, Any], card: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the columns of a CatalogEntry. Leaves out malformed parts of a card."""
    said = card or card_in(columns["metadata"]) or {}
    description = text_at(said, "description") or text_at(columns["metadata"], "description")
    skills = [skill for skill in list_at(said, "skills") if isinstance(skill, dict)]
    skill_names = [text_at(skill, key) for skill in skills for key in ("id", "name")]
    skill_tags = [tag for skill in skills for tag in _texts(skill, "tags")]
    examples = [text for skill in skills for text in _texts(skill, "examples")]
    capabilities = [text_at(skill, "id") or text_at(skill, "name") for skill in skills]
    names = [str(columns["agent_id"]), str(columns["agent_name"]), text_at(said, "name")]
    descriptions = [description, *(text_at(skill, "description") for skill in skills)]
    entry = {
        "agent_id": columns["agent_id"],
        "description": description[:MAX_DESCRIPTION_LENGTH],
        "tags": _names([*columns["tags"], *skill_tags]),
        "capabilities": _names([*columns["skills"], *capabilities]),
        "queries": _queries(examples),
        "name_words": join_words(names, MOST_OF_NAMES),
        "skill_words": join_words(
            [*columns["skills"], *columns["tags"], *skill_names, *skill_tags], MOST_OF_SKILLS
        ),
        "about_words": join_words(descriptions, MOST_OF_DESCRIPTIONS),
        "more_words": join_words(examples, MOST_OF_EXAMPLES),
    }
    content = "\0".join(map(str, entry.values())).encode()
    entry["digest"] = hashlib.blake2b(content, digest_size=DIGEST_BYTES).hexdigest()
    return entry


def _queries(examples: Iterable[str]) -> list[str]:
    """AI Catalog allows two to five, or none."""
    queries = list(dict.fromkeys(text for text in examples if len(text) <= MAX_QUERY_LENGTH))
    return queries[:MOST_QUERIES] if len(queries) >= FEWEST_QUERIES else []


def _names(names: Iterable[str]) -> list[str]:
    fitting = (name for name in names if name and len(name) <= MAX_NAME_LENGTH)
    return list(dict.fromkeys(fitting))[:MAX_NAMES]


def _texts(mapping: Mapping[str, Any], key: str) -> Iterator[str]:
    return (text for text in list_at(mapping, key) if isinstance(text, str) and text)
