"""The settings of the tests: the registry's own, in a folder of their own, and quicker."""

import os
from pathlib import Path

os.environ.setdefault(
    "REGISTRY_VAR_DIR", str(Path(__file__).resolve().parent.parent / "var" / "tests")
)

from registry_project.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# As clients that know nothing of tokens expect it; tests of the tokens set "token" themselves.
REGISTRY_AUTH = "open"
# All tests have one address; those of the rates set them.
RATES = [name for name in dir() if name.startswith("RATE_") and "_PER_" in name]
globals().update(dict.fromkeys(RATES, "off"))
