from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from agents.api.parsers import check_body
from agents.api.permissions import MayOperate, MayRead, operator_of
from agents.api.rates_first import RatesFirst


@extend_schema(exclude=True)  # another protocol
class Mcp(RatesFirst, APIView):
    """Streamable HTTP, for all versions of MCP that the SDK knows."""

    action = "mcp"  # for the rates
    permission_classes = [MayRead]
    renderer_classes = [JSONRenderer]
    http_method_names = ["post", "options"]

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        check_body(request, settings.MAX_BODY_BYTES)
        check_origin(request)
        super().initial(request, *args, **kwargs)

    def post(self, request: Request) -> HttpResponse:
        # Loaded by the first call: the SDK takes 2 s and 30 MB.
        from agents.mcp.exchange import exchange  # noqa: PLC0415
        from agents.mcp.tool import Caller  # noqa: PLC0415

        may_operate = MayOperate().is_granted(request, self)
        return exchange(request._request, Caller(operator_of(request), may_operate))  # noqa: SLF001


def check_origin(request: Request) -> None:
    """Raise PermissionDenied for pages of other websites, as MCP requires."""
    origin = request.headers.get("Origin")
    if origin is None or origin in settings.CORS_ALLOWED_ORIGINS:
        return
    if urlsplit(origin).netloc != request.get_host():
        raise PermissionDenied("Pages of this website may not call the registry.")
