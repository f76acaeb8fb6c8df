"""Pages of Django's and axes' models, with lookups as narrow as ours."""

from typing import Any

import axes.admin  # noqa: F401
import django.contrib.auth.admin  # noqa: F401
from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest

from agents.admin.widgets.mixins import CheckedInput


class PreparedRequests:
    """An action of axes reads what axes adds to requests."""

    def changelist_view(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        AxesProxyHandler.update_request(request)
        return super().changelist_view(request, *args, **options)  # type: ignore[misc]


class Selectors:
    class Media:
        js = ["registry_project/selectors.js"]


MIXINS = {
    AccessAttempt: (PreparedRequests, CheckedInput),
    User: (Selectors, CheckedInput),
    Group: (Selectors, CheckedInput),
}

for model in (User, Group, AccessAttempt, AccessLog, AccessFailureLog):
    theirs = type(admin.site.get_model_admin(model))
    admin.site.unregister(model)
    admin.site.register(
        model, type(theirs.__name__, (*MIXINS.get(model, (CheckedInput,)), theirs), {})
    )
