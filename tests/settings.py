"""The settings of the tests: the registry's own, in a folder of their own, and quicker."""

import os
from pathlib import Path

var_dir = Path(__file__).resolve().parent.parent / "var" / "tests"
# Each process of a parallel run has a folder of its own; it inherits the first one's variable.
if Path(os.environ.get("REGISTRY_VAR_DIR", var_dir)).is_relative_to(var_dir):
    os.environ["REGISTRY_VAR_DIR"] = str(var_dir / os.environ.get("PYTEST_XDIST_WORKER", "main"))

from registry_project.settings import *  # noqa: E402, F403

# No test cuts the power.
_options = DATABASES["default"]["OPTIONS"]  # noqa: F405
if "init_command" in _options:
    _options["init_command"] = _options["init_command"].replace("=FULL", "=OFF")
# Whitenoise warns if it is missing.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# As clients that know nothing of tokens expect it; tests of the tokens set "token" themselves.
REGISTRY_AUTH = "open"
# All tests have one address; those of the rates set them.
RATES = [name for name in dir() if name.startswith("RATE_") and "_PER_" in name]
globals().update(dict.fromkeys(RATES, "off"))
