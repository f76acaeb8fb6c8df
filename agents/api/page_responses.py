from django.http import HttpResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from agents.api.etags import ETags
from agents.serializers.agent_page import Page


def is_plain_json(request: Request) -> bool:
    """Whether the response is neither a browsable page nor indented."""
    renderer = getattr(request, "accepted_renderer", None)
    if not isinstance(renderer, JSONRenderer):
        return False
    return renderer.get_indent(request.accepted_media_type or "", {}) is None


def page_response(page: Page, etags: ETags, text: str | None, **headers: str) -> HttpResponse:
    """Return the response; `conditional_page` makes it a 304 if the client has the page."""
    headers["ETag"] = etags.of(page.tag)
    content = b"" if page.body is None else str(text).encode()
    return HttpResponse(content, content_type=JSONRenderer.media_type, headers=headers)
