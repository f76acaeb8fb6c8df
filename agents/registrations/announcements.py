"""Agents that send their card repeatedly, as the client of oo-a2a-registry does.

A call registers the agent, or renews its lease if nothing has changed.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from rest_framework import serializers

from agents import leases
from agents.json_values import text_at
from agents.leases.entries import entry_of
from agents.models import MAX_NAME_LENGTH, MAX_TTL_SECONDS, MAX_VERSION_LENGTH, AgentRecord
from agents.registrations.admission import count_agent
from agents.serializers.a2a import address_in
from agents.serializers.fields import CardField, HostField
from agents.serializers.strict import StrictSerializer
from agents.tokens.enrollment import Enrolment

# A lease outlives two lost heartbeats, as there.
INTERVALS_PER_TTL = 3
LONGEST_INTERVAL = MAX_TTL_SECONDS // INTERVALS_PER_TTL
DEFAULT_INTERVAL = 60
MAX_INTERVAL = 2**31 - 1
PORTS = {"http": 80, "https": 443}
MAX_SLUG_LENGTH = 200
DIGEST_BYTES = 4
NO_ADDRESS = "It needs the agent's address: supportedInterfaces (A2A 1.0) or url (0.3)."
BAD_ADDRESS = "Its address should be a URL such as http://agent:8080/a2a."


class AnnouncementSerializer(StrictSerializer):
    agent_card = CardField(help_text="The agent's A2A card. Its first address identifies it.")
    interval = serializers.IntegerField(
        min_value=1,
        max_value=MAX_INTERVAL,
        default=DEFAULT_INTERVAL,
        help_text="Seconds between two of these calls; the lease has three times as many.",
    )


def announce(
    announcement: Mapping[str, Any],
    address: str | None,
    enrolment_of: Callable[[str], Enrolment],
) -> int:
    """Return in how many seconds the agent should call again.

    `enrolment_of`: for an id. Raise ValidationError, and what `leases.register` raises.
    """
    interval: int = min(announcement["interval"], LONGEST_INTERVAL)
    fields = _fields(announcement["agent_card"], interval * INTERVALS_PER_TTL)
    agent_id = fields["agent_id"]
    enrolment = enrolment_of(agent_id)
    generation = _generation_of(fields, enrolment)
    if generation is not None:
        try:
            leases.renew(agent_id=agent_id, generation=generation, address=address)
        except (leases.UnknownAgent, leases.StaleLease):
            generation = None
    if generation is None:
        count_agent(agent_id)
        leases.register(**fields, address=address, enrolment=enrolment)
    return interval


def _generation_of(fields: Mapping[str, Any], enrolment: Enrolment) -> int | None:
    """Return the generation of the agent's last registration if it has these fields."""
    names = fields.keys() - {"agent_card"}
    record = (
        AgentRecord.objects.filter(pk=fields["agent_id"], enrolled_by=enrolment.token)
        .values(*names, "generation")
        .first()
    )
    if record is None or any(record[name] != fields[name] for name in names):
        return None
    is_same = leases.card_of(fields["agent_id"]) == fields["agent_card"]
    return record["generation"] if is_same else None


def _fields(card: Mapping[str, Any], ttl_seconds: int) -> Any:
    """Return the `leases.application.Fields` of a card."""
    url = address_in(card)
    if url is None:
        raise _refusal(NO_ADDRESS)
    host, port = _host_and_port(url)
    agent_id = _id_of(url)
    name, version = (text_at(card, key).strip() for key in ("name", "version"))
    bare = {"agent_id": agent_id, "agent_name": name, "metadata": {}, "tags": [], "skills": []}
    entry = entry_of(bare, card)
    return {
        "agent_id": agent_id,
        "agent_name": name[:MAX_NAME_LENGTH] or agent_id,
        "host": host,
        "port": port,
        "ttl_seconds": ttl_seconds,
        "version": version[:MAX_VERSION_LENGTH],
        "tags": entry["tags"],
        "skills": entry["capabilities"],
        "agent_card": card,
    }


def _host_and_port(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
        return HostField().run_validation(parts.hostname), port
    except (KeyError, ValueError, serializers.ValidationError) as error:
        raise _refusal(BAD_ADDRESS) from error


def _id_of(url: str) -> str:
    """Return a recognisable id that no other address has."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", url.partition("://")[2]).strip("-.")
    digest = hashlib.blake2b(url.encode(), digest_size=DIGEST_BYTES).hexdigest()
    return f"{slug[:MAX_SLUG_LENGTH]}-{digest}"


def _refusal(text: str) -> serializers.ValidationError:
    return serializers.ValidationError({"agent_card": [text]})
