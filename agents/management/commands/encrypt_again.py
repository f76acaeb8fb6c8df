from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agents.notifications.channels.secrets import encrypt_all_again


class Command(BaseCommand):
    help = (
        "Encrypt the secrets in the database by the first of ENCRYPTION_KEYS, or by SECRET_KEY. "
        "Run it after a change of keys, while the old one is still a fallback."
    )

    def handle(self, **_options: Any) -> None:
        done, lost = encrypt_all_again()
        self.stdout.write(f"Channels encrypted again: {done}")
        if lost:
            raise CommandError(
                f"No key decrypts these channels: {', '.join(lost)}. Add the old key to "
                "ENCRYPTION_KEYS or SECRET_KEY_FALLBACKS, or enter their URLs again."
            )
