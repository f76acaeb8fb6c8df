"""Tokens that lead from one page of a search to the next."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from agents.strict_json import parse_json

MAX_OFFSET = 10_000
DIGEST_BYTES = 6
BAD_TOKEN = "Take it from the previous page of the same call."  # noqa: S105 - no password


def token_of(query: Mapping[str, Any], offset: int) -> str:
    """Return the token of the results after the first `offset`."""
    text = json.dumps([_digest(query), offset])
    return base64.urlsafe_b64encode(text.encode()).decode()


def offset_in(token: str, query: Mapping[str, Any]) -> int:
    """Raise ValidationError."""
    try:
        parts = parse_json(base64.b64decode(token.encode(), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        parts = None
    if isinstance(parts, list) and parts[:1] == [_digest(query)]:
        [_, *rest] = parts
        if len(rest) == 1 and type(rest[0]) is int and 0 < rest[0] <= MAX_OFFSET:
            return rest[0]
    raise serializers.ValidationError({"pageToken": [BAD_TOKEN]})


def _digest(query: Mapping[str, Any]) -> str:
    text = json.dumps(query, sort_keys=True).encode()
    return hashlib.blake2b(text, digest_size=DIGEST_BYTES).hexdigest()
