"""``make audit``, with a program in the place of pip-audit that answers as it does."""

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
    """Audit with what the program says; a text that is no JSON is what it fails with."""

    def audit(said: Any) -> int:
        program = tmp_path / "program.py"
        if isinstance(said, str):
            program.write_text(f"import sys; sys.exit({said!r})")
        else:
            program.write_text(f"print({json.dumps({'dependencies': said})!r})")
        return main(command=[sys.executable, str(program)])

    return audit


GOOD = {"name": "django", "version": "5.2", "vulns": []}
BAD = {
    "name": "celery",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1", "2.0"]}],
}
UNKNOWN = {"name": "redis", "skip_reason": "Dependency not found on PyPI"}


def test_without_known_vulnerabilities_it_is_well(
    audit: Audit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit([GOOD]) == 0
    assert capsys.readouterr().out == "audit: packages: 1, with known vulnerabilities: 0\n"


def test_a_known_one_is_named_with_its_remedy(
    audit: Audit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit([GOOD, BAD, UNKNOWN]) == 1
    assert "celery 1.0: PYSEC-1, fixed in 1.1, 2.0\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("said", "told"), [([GOOD, UNKNOWN], "redis"), ("ConnectionError: no route", "no route")]
)
def test_what_could_not_be_asked_is_told_and_fails_only_where_it_must_be_asked(
    audit: Audit,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    said: Any,
    told: str,
) -> None:
    monkeypatch.delenv("AUDIT_REQUIRED", raising=False)
    assert audit(said) == 0
    output = capsys.readouterr().out
    assert told in output
    assert "not known" in output

    monkeypatch.setenv("AUDIT_REQUIRED", "1")
    assert audit(said) == 1


def test_it_audits_files_that_are_there() -> None:
    assert all((PROJECT / file).is_file() for file in AUDITED)
