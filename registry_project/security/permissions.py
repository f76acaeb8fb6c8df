"""What a user may do and their roles, by one query where Django needs three."""

from dataclasses import dataclass
from typing import Any

from django import template
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission
from django.db.models import CharField, Value

NO_APP = ""
KEPT_AS = "_registry_rights"  # of a user, whose object lives as long as its request

register = template.Library()


@dataclass(frozen=True)
class Rights:
    permissions: set[str]
    roles: list[str]


class RightsBackend(ModelBackend):
    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if user_obj.is_superuser or not user_obj.is_active or obj is not None:
            return super().get_all_permissions(user_obj, obj)
        return rights_of(user_obj).permissions


def rights_of(user: Any) -> Rights:
    """`user`: in the database, so not anonymous."""
    if not hasattr(user, KEPT_AS):
        setattr(user, KEPT_AS, _read_rights(user))
    rights: Rights = getattr(user, KEPT_AS)
    return rights


@register.filter
def roles(user: Any) -> list[str]:
    if user.is_superuser:
        return ["Superuser"]
    return [] if user.is_anonymous else rights_of(user).roles


def _read_rights(user: Any) -> Rights:
    columns = ("content_type__app_label", "codename")
    own = Permission.objects.filter(user=user).order_by().values_list(*columns)
    by_groups = Permission.objects.filter(group__user=user).order_by().values_list(*columns)
    groups = Group.objects.filter(user=user).order_by()
    names = groups.values_list(Value(NO_APP, CharField()), "name")
    found = list(own.union(by_groups, names))
    return Rights(
        permissions={f"{app}.{codename}" for app, codename in found if app != NO_APP},
        roles=sorted(name for app, name in found if app == NO_APP),
    )
