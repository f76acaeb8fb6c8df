"""HEAD: the headers of a response without its body (RFC 9110, section 9.3.2)."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase


class NoBody:
    """Middleware that removes the body: the server would not send it, but log a warning."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        if request.method == "HEAD" and isinstance(response, HttpResponse):
            # Content-Length has been set before, and stays.
            response.content = b""
        return response
