from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class CompressedPages(GZipMiddleware):
    """Compresses pages. Django pads them by a random length against guesses of what is secret.

    Parts of pages that are refreshed, which have an ETag, are short. Answers to programs would cost
    more CPU than their bytes do.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if response.streaming or not is_page or response.has_header("ETag"):
            return response
        return super().process_response(request, response)
