"""The URLs and signing secrets of channels, encrypted at rest."""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from agents.encryption import Undecipherable, decrypt, encrypt, encrypt_again
from agents.models import Channel

SECRET_BYTES = 32
PREFIX = "whsec_"
# For receivers to learn the new secret.
OLD_SECRET_LASTS = timedelta(hours=24)
FIELDS = ("encrypted_url", "encrypted_secret", "encrypted_old_secret")


@dataclass(frozen=True)
class Keys:
    url: str
    secrets: tuple[str, ...]  # the newest first


def read_keys(channel: Channel, now: datetime) -> Keys:
    """Raise Undecipherable."""
    found = [channel.encrypted_secret] if channel.encrypted_secret else []
    if channel.old_secret_until is not None and now < channel.old_secret_until:
        found.append(channel.encrypted_old_secret)
    return Keys(decrypt(channel.encrypted_url), tuple(decrypt(one) for one in found))


def new_secret(channel: Channel, now: datetime | None = None) -> str:
    """Give a channel another secret, and return it; save the channel afterwards.

    From `now` on, the old one signs as well, for OLD_SECRET_LASTS.
    """
    if now is not None and channel.encrypted_secret:
        channel.encrypted_old_secret = channel.encrypted_secret
        channel.old_secret_until = now + OLD_SECRET_LASTS
    text = PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")
    channel.encrypted_secret = encrypt(text)
    return text


def encrypt_all_again() -> tuple[int, list[str]]:
    """Encrypt by the first key; return how many channels, and the names of the unreadable ones."""
    done, lost = 0, []
    for channel in Channel.objects.all():
        try:
            for name in FIELDS:
                if text := getattr(channel, name):
                    setattr(channel, name, encrypt_again(text))
        except Undecipherable:
            lost.append(channel.name)
            continue
        channel.save(update_fields=FIELDS)
        done += 1
    return done, lost
