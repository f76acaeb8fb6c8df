"""The certificates that an image trusts."""

import ssl
from pathlib import Path

import pytest

from deploygen.image import certificates
from deploygen.image.certificates import BUNDLE, add_certificates, share_certificates
from deploygen.image.tree import Tree

ELSEWHERE = Path("/opt/agent-test-ssl/cert.pem")


@pytest.fixture
def certifi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Certifi's bundle, on a base that has none where this machine has one."""
    monkeypatch.setattr(certificates, "KNOWN", (tmp_path / "of-the-base.pem",))
    elsewhere = ssl.get_default_verify_paths()._replace(openssl_cafile=str(ELSEWHERE))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: elsewhere)
    (tmp_path / "cacert.pem").write_text("of certifi")
    return tmp_path / "cacert.pem"


def test_certifi_uses_the_certificates_of_the_base(certifi: Path, tmp_path: Path) -> None:
    (tmp_path / "of-the-base.pem").write_text("of the base")
    tree = Tree(tmp_path / "image")
    add_certificates(tree)
    above = Tree(tmp_path / "above", [tree.root])
    assert share_certificates(above, certifi)
    assert certifi.readlink() == BUNDLE
    assert tree.inside(BUNDLE).read_text() == "of the base"
    # OpenSSL's default path leads there too.
    assert tree.inside(ELSEWHERE).readlink() == BUNDLE
    assert not above.inside(BUNDLE).exists()


def test_certificates_of_certifi_are_used_if_the_base_has_none(
    certifi: Path, tmp_path: Path
) -> None:
    tree = Tree(tmp_path / "image")
    add_certificates(tree)
    assert not tree.has(BUNDLE)
    assert share_certificates(tree, certifi)
    assert tree.inside(BUNDLE).read_text() == "of certifi"
    assert certifi.readlink() == BUNDLE
    assert tree.inside(ELSEWHERE).readlink() == BUNDLE


def test_without_any_certificates_there_are_none(certifi: Path, tmp_path: Path) -> None:
    certifi.unlink()
    assert not share_certificates(Tree(tmp_path / "image"), certifi)
