"""What this server uses of gunicorn, besides settings.

Most is undocumented, so its minor version is pinned, and a test checks each name.

- `GunicornWorker.init_process` ends with `load_wsgi`, which sets `wsgi`, and `run`.
- `get_parser` yields requests. It raises errors for `handle_error`, or `NoMoreData`.
- `Response` calls `sendall` of its socket.
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
    @property
    def omits_body(self) -> bool:
        return bool(self._omits_body)

    @property
    def is_complete(self) -> bool:
        return self.omits_body or (
            self.response_length is not None and self.sent >= self.response_length
        )

    @property
    def is_incomplete(self) -> bool:
        return self.response_length is not None and not self.is_complete
