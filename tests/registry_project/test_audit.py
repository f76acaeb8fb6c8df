"""``make audit``, with a stand-in for pip-audit that prints the same format."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from requirements.audit import AUDITED, PROJECT, main

Audit = Callable[[Any], int]


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    """Audit with the given report; a string is the message with which the program fails."""

    def audit(report: Any) -> int:
        program = tmp_path / "program.py"
        if isinstance(report, str):
            program.write_text(f"import sys; sys.exit({report!r})")
        else:
            program.write_text(f"print({json.dumps({'dependencies': report})!r})")
        return main(command=[sys.executable, str(program)])

    return audit


GOOD = {"name": "django", "version": "5.2", "vulns": []}
BAD = {
    "name": "celery",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1", "2.0"]}],
}
UNKNOWN = {"name": "redis", "skip_reason": "Dependency not found on PyPI"}


def test_the_audit_passes_without_known_vulnerabilities(
    audit: Audit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit([GOOD]) == 0
    assert capsys.readouterr().out == "audit: packages: 1, with known vulnerabilities: 0\n"


def test_a_known_vulnerability_is_named_with_the_versions_that_fix_it(
    audit: Audit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit([GOOD, BAD, UNKNOWN]) == 1
    assert "celery 1.0: PYSEC-1, fixed in 1.1, 2.0\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("report", "message"), [([GOOD, UNKNOWN], "redis"), ("ConnectionError: no route", "no route")]
)
def test_a_package_that_could_not_be_checked_is_reported_and_fails_only_if_required(
    audit: Audit,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    report: Any,
    message: str,
) -> None:
    monkeypatch.delenv("AUDIT_REQUIRED", raising=False)
    assert audit(report) == 0
    output = capsys.readouterr().out
    assert message in output
    assert "not known" in output

    monkeypatch.setenv("AUDIT_REQUIRED", "1")
    assert audit(report) == 1


def test_all_audited_files_exist() -> None:
    assert all((PROJECT / file).is_file() for file in AUDITED)
