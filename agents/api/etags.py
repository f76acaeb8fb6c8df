"""ETags of pages that the database makes: known before there is a body.

A tag names the address, the shape of an agent in this version of the registry, and the page's own
tag; so no answer is taken for that of another address, or of a registry from before an upgrade.
"""

import hashlib
import re

from django.http.request import HttpRequest
from django.utils.http import parse_etags

from agents.serializers.agent_sql import agent_as_json

DIGEST_BYTES = 8
TAG = re.compile(r"[0-9a-f-]{1,64}")
# The database is asked about so many at once, of a caller who shows more.
MOST_TAGS = 4


class ETags:
    """The ETags of what is at one address, in JSON."""

    def __init__(self, request: HttpRequest) -> None:
        text = f"{agent_as_json()} {request.get_full_path()}"
        digest = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=DIGEST_BYTES)
        self._begin = f'"{digest.hexdigest()}-'
        self._shown = request.META.get("HTTP_IF_NONE_MATCH", "") if request.method == "GET" else ""

    def of(self, tag: str) -> str:
        """Return the header of the page with this tag."""
        return f'{self._begin}{tag}"'

    def known_tags(self) -> list[str]:
        """Return the tags of the pages of this address that the caller says to have.

        A weak ETag counts as well: proxies that compress make it of ours.
        """
        shown = [etag.removeprefix("W/") for etag in parse_etags(self._shown)]
        ours = [etag for etag in shown if etag.startswith(self._begin)]
        tags = [etag.removeprefix(self._begin).removesuffix('"') for etag in ours]
        return [tag for tag in tags if TAG.fullmatch(tag)][:MOST_TAGS]
