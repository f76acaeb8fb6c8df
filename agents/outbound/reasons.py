import os
import re
import ssl
from collections.abc import Iterator

import httpcore

SOURCE = re.compile(r" \(_ssl\.c:\d+\)$|^\[[^]]*\] ")


def reason_of(error: Exception) -> str:
    """Return why httpcore raised `error`."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not valid: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {SOURCE.sub('', SOURCE.sub('', str(cause)))}"
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno).lower()
    if isinstance(error, httpcore.RemoteProtocolError):
        return f"the answer is not HTTP: {error}"
    if isinstance(error, httpcore.NetworkError):
        return "the connection was closed"
    return str(error) or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, deepest first."""
    inner = error.__cause__ or error.__context__
    if isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    if inner is not None:
        yield from _causes(inner)
    yield error
