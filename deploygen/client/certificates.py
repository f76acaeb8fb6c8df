"""The certificates that the client trusts: those of SSL_CERT_FILE or SSL_CERT_DIR, or certifi's."""

import ssl
from collections.abc import Mapping
from pathlib import Path

import httpx

from .proxy import UnusableVariable


def trusted_certificates(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Return a context for TLS, which takes some 20 ms. Raises UnusableVariable."""
    file, folder = environ.get("SSL_CERT_FILE") or None, environ.get("SSL_CERT_DIR") or None
    if file is not None:
        folder = None
    try:
        if folder is not None:
            list(Path(folder).iterdir())  # OpenSSL says nothing about one that cannot be read
        if file or folder:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file, folder)
    except OSError as error:
        raise _unusable("SSL_CERT_FILE" if file else "SSL_CERT_DIR", error) from error
    try:
        if file or folder:
            return ssl.create_default_context(cafile=file, capath=folder)
        return httpx.create_ssl_context(trust_env=False)
    except OSError as error:  # a context opens this file, too
        raise _unusable("SSLKEYLOGFILE", error) from error


def _unusable(variable: str, error: OSError) -> UnusableVariable:
    return UnusableVariable(f"{variable} cannot be used: {error.strerror or error}")
