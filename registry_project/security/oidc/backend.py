from typing import Any

from django.contrib.auth.backends import ModelBackend


class CompanyBackend(ModelBackend):
    """Knows people who have signed in by OpenID Connect, and checks no passwords."""

    def authenticate(self, _request: Any, **_credentials: Any) -> None:  # type: ignore[override]
        return None
