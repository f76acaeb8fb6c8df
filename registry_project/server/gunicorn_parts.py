"""Everything of gunicorn that this server uses, except its settings.

Most of it is undocumented and may change with any version. So gunicorn is pinned to a minor
version, a test checks each part by name, and no other module imports gunicorn.

- `GunicornWorker`: `init_process` ends with `load_wsgi`, which sets `wsgi`, and `run`; `notify`
  tells the master that the process lives; `handle_exit` and `handle_quit` handle signals;
  `handle_error` writes the answer to a request that cannot be served; `alive`, `ppid`, `sockets`,
  `cfg`, `log`, `nr`, `max_requests`.
- `get_parser` makes an iterator of requests from bytes. It raises what `handle_error` understands,
  or `NoMoreData` or StopIteration. A request has `method`, `uri` and `force_close`.
- `create_response` makes the response to a request and its WSGI environment.
- `Response` frames the body, and calls `sendall` of what it is given for a socket.
- `FileWrapper` is the environment's `wsgi.file_wrapper`.
- `write_error` writes a whole answer with a status.
"""

from typing import Any

from gunicorn.http import get_parser
from gunicorn.http.errors import NoMoreData
from gunicorn.http.wsgi import FileWrapper, create
from gunicorn.http.wsgi import Response as GunicornResponse
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
        """Whether it has no body, because of HEAD or its status. False before `start_response`."""
        return bool(self._omits_body)

    @property
    def is_complete(self) -> bool:
        """Whether the whole body is written, as far as that is known."""
        return self.omits_body or (
            self.response_length is not None and self.sent >= self.response_length
        )

    @property
    def is_incomplete(self) -> bool:
        """Whether less is written than Content-Length promises."""
        return self.response_length is not None and not self.is_complete


def create_response(
    request: Any, outgoing: Any, client: Any, server: Any, cfg: Any
) -> tuple[Response, dict[str, Any]]:
    """Return the response to a request, and the WSGI environment to make it in."""
    response, environ = create(request, outgoing, client, server, cfg, response_class=Response)
    return response, environ
