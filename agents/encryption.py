"""Encrypts (Fernet) secrets that the registry has to send.

The first key encrypts, all of them decrypt. SECRET_KEY encrypts if ENCRYPTION_KEYS is unset.
"""

import base64
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"agents.encryption"
KEY_BYTES = 32


class Undecipherable(Exception):
    """None of the keys encrypted it."""


def encrypt(text: str) -> str:
    return _cipher(_keys()).encrypt(text.encode()).decode("ascii")


def decrypt(encrypted: str) -> str:
    """Raise Undecipherable."""
    try:
        return _cipher(_keys()).decrypt(encrypted).decode()
    except InvalidToken as error:
        raise Undecipherable from error


def encrypt_again(encrypted: str) -> str:
    """Return it encrypted by the first key. Raise Undecipherable."""
    try:
        return _cipher(_keys()).rotate(encrypted).decode("ascii")
    except InvalidToken as error:
        raise Undecipherable from error


def _keys() -> tuple[str, ...]:
    return (*settings.ENCRYPTION_KEYS, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@cache
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([_fernet(key) for key in keys])


def _fernet(key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=PURPOSE)
    return Fernet(base64.urlsafe_b64encode(derived.derive(key.encode())))
