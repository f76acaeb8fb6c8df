"""``python -m requirements.audit``: known vulnerabilities of what is pinned here, by pip-audit.

0: none are known. 1: some are. Where no service of vulnerabilities can be asked, as behind a mirror
of packages, it says so; that is 0 as well, or 1 with AUDIT_REQUIRED=1.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
AUDITED = ("requirements/base.txt", "deploygen/runtime/requirements.txt")
# PyPI tells of its own packages; OSV is where it has that from.
SERVICES = ("pypi", "osv")
PACKAGES_TO_NAME = 3


def main(
    files: Sequence[str] = AUDITED, command: Sequence[str] = (sys.executable, "-m", "pip_audit")
) -> int:
    """Audit the `files`, print what there is to say, and return the exit code."""
    packages: list[dict[str, Any]] = []
    for service in SERVICES:
        packages = ask(service, files, command) or packages
        if packages and not unknown(packages):
            break
    vulnerable = [package for package in packages if package.get("vulns")]
    for package in vulnerable:
        for flaw in package["vulns"]:
            fixed = ", ".join(flaw["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {flaw['id']}, fixed in {fixed}")
    missed = unknown(packages)
    asked = len(packages) - len(missed)
    print(f"audit: packages: {asked}, with known vulnerabilities: {len(vulnerable)}")
    if vulnerable:
        return 1
    if not packages or missed:
        of = (
            f"{len(missed)} packages ({', '.join(missed[:PACKAGES_TO_NAME])}, ...)"
            if missed
            else "any"
        )
        print(f"audit: no service said anything of {of}; whether they are vulnerable is not known")
        return int(os.environ.get("AUDIT_REQUIRED") == "1")
    return 0


def ask(service: str, files: Sequence[str], command: Sequence[str]) -> list[dict[str, Any]]:
    """Return what pip-audit says of each package; nothing when the service cannot be reached."""
    options = [f"--requirement={file}" for file in files]
    done = subprocess.run(
        [
            *(*command, "--format=json", f"--vulnerability-service={service}", "--timeout=15"),
            # They are pinned with hashes: there is nothing to resolve.
            *("--disable-pip", "--require-hashes", "--progress-spinner=off", *options),
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        print(f"audit: {service} cannot be asked: {reason}")
        return []
    return packages


def unknown(packages: Sequence[dict[str, Any]]) -> list[str]:
    """Return the names of those of which the service knows nothing."""
    return [package["name"] for package in packages if "skip_reason" in package]


if __name__ == "__main__":
    sys.exit(main())
