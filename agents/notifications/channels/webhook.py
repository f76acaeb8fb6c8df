"""Signed as Standard Webhooks defines: https://www.standardwebhooks.com/"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook

from agents.models import Channel, Delivery
from agents.notifications.channels.secrets import Keys
from agents.notifications.channels.sender import Sender
from agents.notifications.delivery.backoff import read_retry_after
from agents.notifications.delivery.outcomes import Outcome
from agents.outbound.client import Limits, OutboundClient
from agents.outbound.errors import OutboundError
from agents.outbound.networks import Networks

LIMITS = Limits(seconds=10.0, body_bytes=4096)


class WebhookSender(Sender):
    """Keeps its connections while it is open."""

    batch_size = 16

    def __init__(self, channel: Channel, networks: Networks) -> None:
        super().__init__(channel, networks)
        self._runner = asyncio.Runner()
        self._client = OutboundClient(networks, LIMITS, connections=self.batch_size)

    def close(self) -> None:
        with self._runner:
            self._runner.run(self._client.aclose())

    def send_with(
        self, keys: Keys, deliveries: Sequence[Delivery], now: datetime
    ) -> Sequence[Outcome]:
        return self._runner.run(self._send_all(keys, deliveries, now))

    async def _send_all(
        self, keys: Keys, deliveries: Sequence[Delivery], now: datetime
    ) -> Sequence[Outcome]:
        return await asyncio.gather(*(self._send(keys, one, now) for one in deliveries))

    async def _send(self, keys: Keys, delivery: Delivery, now: datetime) -> Outcome:
        headers = signed_headers(keys.secrets, delivery, now)
        try:
            answer = await self._client.send(
                "POST", keys.url, headers=headers, content=delivery.body.encode()
            )
        except OutboundError as error:
            return Outcome.failed(str(error))
        wait = read_retry_after(answer.headers.get("retry-after", ""), now)
        return Outcome.of_status(answer.status, answer.body, wait)


def signed_headers(secrets: Sequence[str], delivery: Delivery, now: datetime) -> dict[str, str]:
    """Return headers with a signature by each of the `secrets`."""
    signatures = [
        Webhook(secret).sign(delivery.message_id, now, delivery.body) for secret in secrets
    ]
    return {
        "Content-Type": "application/json",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
