"""Groups with the usual permissions. They are made once: who changes one keeps the change."""

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

VIEWER = Q(
    content_type__app_label="agents",
    codename__in=[
        "view_agentrecord",
        "view_agentevent",
        "view_channel",
        "view_rule",
        "view_delivery",
    ],
)
OPERATOR = VIEWER | Q(
    content_type__app_label="agents",
    codename__in=[
        "change_agentrecord",
        "delete_agentrecord",
        "change_channel",
        "add_rule",
        "change_rule",
        "delete_rule",
        "change_delivery",
    ],
)
# Who may change users may make anybody a superuser.
ADMIN = Q(content_type__app_label__in=["agents", "auth", "axes"])
ROLES = {"Viewer": VIEWER, "Operator": OPERATOR, "Admin": ADMIN}


def create_roles(using: str) -> None:
    """After a migration, when all permissions are there."""
    for name, granted in ROLES.items():
        group, is_new = Group.objects.using(using).get_or_create(name=name)
        if is_new:
            group.permissions.set(Permission.objects.using(using).filter(granted))
