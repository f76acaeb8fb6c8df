from agents.models import Channel
from agents.notifications.channels.apprise import AppriseSender
from agents.notifications.channels.sender import Sender
from agents.notifications.channels.webhook import WebhookSender
from agents.outbound.networks import Networks

SENDERS: dict[str, type[Sender]] = {
    Channel.Kind.WEBHOOK: WebhookSender,
    Channel.Kind.APPRISE: AppriseSender,
}


def sender_for(channel: Channel, networks: Networks) -> Sender:
    return SENDERS[channel.kind](channel, networks)
