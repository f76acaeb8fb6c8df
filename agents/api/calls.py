from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.viewsets import ViewSetMixin

from agents.api.parameters import check_parameters
from agents.api.parsers import check_body
from agents.api.rates_first import RatesFirst


class StrictCalls(ViewSetMixin, RatesFirst):
    """Checks body, rates, permissions and query parameters, in this order.

    `parameters`: the query parameters by action, for those that have some.
    """

    parameters: ClassVar[Mapping[str, Sequence[type[Serializer[Any]]]]] = {}

    def max_body_bytes(self) -> int:
        return int(settings.MAX_BODY_BYTES)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        check_body(request, self.max_body_bytes())
        super().initial(request, *args, **kwargs)
        if request.method in SAFE_METHODS:
            check_parameters(request, self.parameters.get(str(self.action), ()))
