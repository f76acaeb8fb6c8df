"""The certificates of the authorities that TLS trusts."""

import ssl
from collections.abc import Iterator
from pathlib import Path

from .tree import Tree

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
# Debian and Alpine; Alpine without ca-certificates; Fedora.
KNOWN = (BUNDLE, Path("/etc/ssl/cert.pem"), Path("/etc/pki/tls/certs/ca-bundle.crt"))


def add_certificates(tree: Tree, site: Path) -> Path | None:
    """Copy the base's bundle, else certifi's, and link it to where OpenSSL looks.

    Returns where it was, None if there is none.
    """
    paths = ssl.get_default_verify_paths()
    for path in _candidates(Path(paths.openssl_cafile), site):
        if path.is_file() and path.stat().st_size:
            tree.write(BUNDLE, path.read_bytes())
            tree.copied.add(path.resolve())
            if Path(paths.openssl_cafile) != BUNDLE:
                tree.link(Path(paths.openssl_cafile), BUNDLE)
            return path
    return None


def _candidates(of_openssl: Path, site: Path) -> Iterator[Path]:
    yield of_openssl
    yield from KNOWN
    yield site / "certifi" / "cacert.pem"
