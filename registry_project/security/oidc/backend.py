from typing import Any

from registry_project.security.permissions import RightsBackend


class CompanyBackend(RightsBackend):
    """Knows people who have signed in by OpenID Connect, and checks no passwords."""

    def authenticate(self, _request: Any, **_credentials: Any) -> None:  # type: ignore[override]
        return None
