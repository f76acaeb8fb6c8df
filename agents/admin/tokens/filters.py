from typing import Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from agents.database.clock import DatabaseNow
from agents.models import AccessToken


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "token_state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return AccessToken.State.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        expired = Q(expires_at__lte=DatabaseNow())
        if self.value() == AccessToken.State.REVOKED:
            return queryset.filter(revoked_at__isnull=False)
        unrevoked = queryset.filter(revoked_at__isnull=True)
        if self.value() == AccessToken.State.EXPIRED:
            return unrevoked.filter(expired)
        return unrevoked.exclude(expired) if self.value() == AccessToken.State.GOOD else queryset
