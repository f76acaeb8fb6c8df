"""Locales such as C know the case of ASCII only. ICU knows all letters, but is slower."""

from django.db.backends.base.base import BaseDatabaseWrapper

ICU = '"und-x-icu"'
KNOWS_LETTERS = "UPPER(CHR(233)) = CHR(201)"
# ICU does not work with every encoding.
HAS_ICU = (
    "GETDATABASEENCODING() = 'UTF8'"
    " AND EXISTS (SELECT FROM pg_collation WHERE QUOTE_IDENT(collname) = %s)"
)


class Text:
    def __init__(self) -> None:
        self._collations: dict[str, str | None] = {}

    def collation_of_letters(self, connection: BaseDatabaseWrapper) -> str | None:
        database = connection.settings_dict["NAME"]
        if database not in self._collations:
            self._collations[database] = _collation(connection)
        return self._collations[database]


def _collation(connection: BaseDatabaseWrapper) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {KNOWS_LETTERS}, {HAS_ICU}", [ICU])
        knows_letters, has_icu = cursor.fetchone()
    return "" if knows_letters else ICU if has_icu else None
