import pytest
from pytest_django import Settings

from agents.encryption import Undecipherable, decrypt, encrypt, encrypt_again


@pytest.fixture(autouse=True)
def _keys(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = []
    settings.SECRET_KEY = "first"
    settings.SECRET_KEY_FALLBACKS = []


def test_what_is_encrypted_can_be_decrypted_and_not_be_read() -> None:
    encrypted = encrypt("whsec_ünïcode")

    assert decrypt(encrypted) == "whsec_ünïcode"
    assert "whsec" not in encrypted
    assert encrypt("same") != encrypt("same")


def test_fallbacks_decrypt_until_they_are_removed(settings: Settings) -> None:
    encrypted = encrypt("text")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "second", ["first"]
    assert decrypt(encrypted) == "text"
    again = encrypt_again(encrypted)
    settings.SECRET_KEY_FALLBACKS = []

    assert decrypt(again) == "text"
    for action in (decrypt, encrypt_again):
        with pytest.raises(Undecipherable):
            action(encrypted)


def test_keys_of_their_own_encrypt_and_the_secret_key_still_decrypts(settings: Settings) -> None:
    before = encrypt("text")
    settings.ENCRYPTION_KEYS = ["own"]
    after = encrypt("text")
    assert decrypt(before) == decrypt(after) == "text"
    settings.SECRET_KEY = "another"

    assert decrypt(after) == "text"
    with pytest.raises(Undecipherable):
        decrypt(before)


@pytest.mark.parametrize("text", ["", "gAAAA", "not a token"])
def test_other_texts_cannot_be_decrypted(text: str) -> None:
    with pytest.raises(Undecipherable):
        decrypt(text)
