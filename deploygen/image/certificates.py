"""The certificates of the authorities that TLS trusts."""

import ssl
from pathlib import Path

from .tree import Tree

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
# Debian and Alpine; Alpine without ca-certificates; Fedora.
KNOWN = (BUNDLE, Path("/etc/ssl/cert.pem"), Path("/etc/pki/tls/certs/ca-bundle.crt"))


def add_certificates(tree: Tree, site: Path) -> Path | None:
    """Copy the base's bundle, else certifi's, and link it to where OpenSSL looks.

    Returns where it was, None if there is none.
    """
    of_openssl = Path(ssl.get_default_verify_paths().openssl_cafile)
    for path in (of_openssl, *KNOWN, site / "certifi" / "cacert.pem"):
        if path.is_file() and path.stat().st_size:
            tree.write(BUNDLE, path.read_bytes())
            tree.copied.add(path.resolve())
            if of_openssl != BUNDLE:
                tree.link(of_openssl, BUNDLE)
            return path
    return None
