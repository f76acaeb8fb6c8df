import hashlib
import re

from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_etags
from rest_framework.renderers import JSONRenderer

from agents.serializers.agent_page import Page
from agents.serializers.agent_sql import agent_as_json

DIGEST_BYTES = 8
TAG = re.compile(r"[0-9a-f-]{1,128}")
MAX_TAGS = 4


class ETags:
    def __init__(self, request: HttpRequest) -> None:
        text = f"{agent_as_json()} {request.get_full_path()}"
        digest = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=DIGEST_BYTES)
        self._prefix = f'"{digest.hexdigest()}-'
        self._sent = request.META.get("HTTP_IF_NONE_MATCH", "") if request.method == "GET" else ""

    def known_tags(self) -> list[str]:
        """Return our tags in If-None-Match, even if a compressing proxy has made them weak."""
        sent = [etag.removeprefix("W/") for etag in parse_etags(self._sent)]
        ours = [etag for etag in sent if etag.startswith(self._prefix)]
        tags = [etag.removeprefix(self._prefix).removesuffix('"') for etag in ours]
        return [tag for tag in tags if TAG.fullmatch(tag)][:MAX_TAGS]

    def response(self, page: Page, text: str | None, **headers: str) -> HttpResponse:
        headers["ETag"] = f'{self._prefix}{page.tag}"'
        content = b"" if page.body is None else str(text).encode()
        return HttpResponse(content, content_type=JSONRenderer.media_type, headers=headers)
