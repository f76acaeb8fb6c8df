from collections.abc import Mapping
from typing import Any

from ..access.tokens import requires_token

SCHEME = "bearer"


def security(environ: Mapping[str, str]) -> dict[str, Any]:
    """A2A 1.0, sections 4.4.1 and 4.5."""
    if not requires_token(environ):
        return {}
    return {
        "securitySchemes": {SCHEME: {"httpAuthSecurityScheme": {"scheme": "Bearer"}}},
        "securityRequirements": [{"schemes": {SCHEME: {"list": []}}}],
    }
