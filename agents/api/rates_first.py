from rest_framework.request import Request
from rest_framework.views import APIView


class RatesFirst(APIView):
    """Counts a call before its permissions are checked: refusing it costs something too."""

    def check_permissions(self, request: Request) -> None:
        super().check_throttles(request)
        super().check_permissions(request)

    def check_throttles(self, request: Request) -> None:
        """Too late here: REST framework calls it after the permissions."""
