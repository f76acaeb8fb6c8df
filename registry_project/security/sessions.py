"""Stores sessions under a hash of their key, so that the table lets nobody log in."""

import hashlib
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.models import Session

HASH_LENGTH = 40  # hexadecimal


class SessionStore(db.SessionStore):
    def _get_session_from_db(self) -> Session | None:
        key = self.session_key
        if key is None:
            return None
        self._session_key = _hash(key)
        try:
            session: Session | None = super()._get_session_from_db()  # type: ignore[misc]
        finally:
            # Django forgets the key of a session that does not exist.
            self._session_key = key if self._session_key else None
        return session

    def exists(self, session_key: str) -> bool:
        return super().exists(_hash(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        session = super().create_model_instance(data)
        session.session_key = _hash(session.session_key)
        return session

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            super().delete(_hash(key))


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:HASH_LENGTH]
