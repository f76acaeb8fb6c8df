"""What all of the registry's pages have in common: nothing is edited there."""

from typing import Any

from django.http import HttpRequest


class ReadOnly:
    """For a ModelAdmin whose records are written by `agents.leases` alone."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False
