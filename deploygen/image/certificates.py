import ssl
from pathlib import Path

from .tree import Tree

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
# Debian and Alpine; Alpine without ca-certificates; Fedora.
KNOWN = (BUNDLE, Path("/etc/ssl/cert.pem"), Path("/etc/pki/tls/certs/ca-bundle.crt"))


def add_certificates(tree: Tree) -> None:
    """Copy the base's bundle, if any, and link it to where OpenSSL looks."""
    for path in (_of_openssl(), *KNOWN):
        if path.is_file() and path.stat().st_size:
            tree.copied.add(path.resolve())
            _add(tree, path.read_bytes())
            return


def share_certificates(tree: Tree, certifi: Path) -> bool:
    """Make certifi use the base's bundle, or the base certifi's. Return whether there is one."""
    if certifi.is_file():
        if not tree.has(BUNDLE):
            _add(tree, certifi.read_bytes())
        certifi.unlink()
        certifi.symlink_to(BUNDLE)
    return tree.has(BUNDLE)


def _add(tree: Tree, bundle: bytes) -> None:
    tree.write(BUNDLE, bundle)
    if (of_openssl := _of_openssl()) != BUNDLE:
        tree.link(of_openssl, BUNDLE)


def _of_openssl() -> Path:
    return Path(ssl.get_default_verify_paths().openssl_cafile)
