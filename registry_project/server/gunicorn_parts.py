"""Everything of gunicorn that this server uses, except its settings.

Most of it is undocumented and may change: gunicorn is pinned to a minor version, a test checks each
part by name, and no other module imports gunicorn.

- `GunicornWorker.init_process` ends with `load_wsgi`, which sets `wsgi`, and `run`.
- `get_parser` yields requests. It raises what `handle_error` answers, or `NoMoreData`.
- `Response` frames the body, and calls `sendall` of what it gets for a socket.
"""

from gunicorn.http import get_parser
from gunicorn.http.errors import NoMoreData
from gunicorn.http.wsgi import FileWrapper
from gunicorn.http.wsgi import Response as GunicornResponse
from gunicorn.http.wsgi import create as create_response
from gunicorn.util import write_error
from gunicorn.workers.base import Worker as GunicornWorker

__all__ = [
    "FileWrapper",
    "GunicornWorker",
    "NoMoreData",
    "Response",
    "create_response",
    "get_parser",
    "write_error",
]


class Response(GunicornResponse):  # type: ignore[misc]  # gunicorn has no types
    """An answer that knows how much of it is written."""

    @property
    def omits_body(self) -> bool:
        """Because of HEAD or its status; False before `start_response`."""
        return bool(self._omits_body)

    @property
    def is_complete(self) -> bool:
        """Whether the body is written, as far as that is known."""
        return self.omits_body or (
            self.response_length is not None and self.sent >= self.response_length
        )

    @property
    def is_incomplete(self) -> bool:
        """Whether Content-Length promises more than is written."""
        return self.response_length is not None and not self.is_complete
