import ssl
from collections.abc import Mapping
from pathlib import Path

import httpx

from .proxy import UnusableVariable


def trusted_certificates(environ: Mapping[str, str]) -> ssl.SSLContext:
    """From SSL_CERT_FILE, SSL_CERT_DIR or certifi. Raises UnusableVariable."""
    file = environ.get("SSL_CERT_FILE") or None
    folder = None if file else environ.get("SSL_CERT_DIR") or None
    if file or folder:
        try:
            if folder:
                list(Path(folder).iterdir())  # OpenSSL ignores unreadable folders
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file, folder)
        except OSError as error:
            raise _unusable("SSL_CERT_FILE" if file else "SSL_CERT_DIR", error) from error
    try:
        if file or folder:
            return ssl.create_default_context(cafile=file, capath=folder)
        return httpx.create_ssl_context(trust_env=False)
    except OSError as error:  # every context opens that file
        raise _unusable("SSLKEYLOGFILE", error) from error


def _unusable(variable: str, error: OSError) -> UnusableVariable:
    return UnusableVariable(f"{variable} cannot be used: {error.strerror or error}")
