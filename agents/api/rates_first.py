from rest_framework.request import Request
from rest_framework.views import APIView


class RatesFirst(APIView):
    """Counts a call before its permissions are checked: refusals cost something too."""

    def check_permissions(self, request: Request) -> None:
        super().check_throttles(request)
        super().check_permissions(request)

    def check_throttles(self, request: Request) -> None:
        """REST framework calls this after the permissions, which is too late."""
