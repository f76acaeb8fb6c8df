"""Permissions: by token, as staff by Django's permissions, or anyone in open mode."""

from typing import Any

from django.conf import settings
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from agents import actors
from agents.api.authentication import ACCESS_TOKEN_NEEDED, Lease
from agents.heartbeats.admission import check_token
from agents.registrations.admission import enrolment_by
from agents.tokens import lease as lease_tokens
from agents.tokens.auth_mode import is_open
from agents.tokens.cache import Access
from agents.tokens.enrollment import ANYBODY, Enrolment

ADD = "agents.add_agentrecord"


class Permission(BasePermission):
    """401 without credentials, 403 with insufficient ones."""

    staff_permission = ""
    credentials_needed = ACCESS_TOKEN_NEEDED
    message = "This token does not allow that."

    def has_permission(self, request: Request, view: APIView) -> bool:
        if self.is_granted(request, view):
            return True
        if request.auth is None and not request.user.is_authenticated:
            raise NotAuthenticated(self.credentials_needed)
        if request.auth is None:
            raise PermissionDenied("Your login may not do that.")
        return False

    def is_granted(self, request: Request, view: APIView) -> bool:
        if self.is_free(request, view) or self.is_granted_by(request.auth):
            return True
        return is_staff(request, self.staff_permission)

    def is_free(self, request: Request, view: APIView) -> bool:
        return is_open()

    def is_granted_by(self, auth: Any) -> bool:
        raise NotImplementedError


class MayRead(Permission):
    staff_permission = "agents.view_agentrecord"
    message = "This token may not read about agents."

    def is_free(self, request: Request, view: APIView) -> bool:
        return settings.REGISTRY_PUBLIC_READ or super().is_free(request, view)

    def is_granted_by(self, auth: Any) -> bool:
        return isinstance(auth, Access) and auth.may_read


class MayReadHistory(MayRead):
    staff_permission = "agents.view_agentevent"


class MayRegister(Permission):
    """A token must allow it even in open mode. `enrolment_of` checks the id."""

    staff_permission = ADD
    message = "This token may not register agents."

    def is_free(self, request: Request, view: APIView) -> bool:
        return request.auth is None and super().is_free(request, view)

    def is_granted_by(self, auth: Any) -> bool:
        return isinstance(auth, Access) and auth.may_register


class MayOperate(Permission):
    """A token must allow it even in open mode."""

    staff_permission = "agents.change_agentrecord"
    message = "This token may not operate agents."

    def is_free(self, request: Request, view: APIView) -> bool:
        return request.auth is None and super().is_free(request, view)

    def is_granted_by(self, auth: Any) -> bool:
        return isinstance(auth, Access) and auth.may_operate


class MayHeartbeat(Permission):
    staff_permission = "agents.change_agentrecord"
    credentials_needed = f"Send the token of the agent's lease in the header {lease_tokens.HEADER}."

    def is_free(self, request: Request, view: APIView) -> bool:
        if request.auth is not None:
            return False
        try:
            check_token(view.kwargs["agent_id"], None)
        except lease_tokens.LeaseTokenMissing:
            return False
        return True

    def is_granted_by(self, auth: Any) -> bool:
        return isinstance(auth, Lease)


class MayDeregister(MayHeartbeat):
    staff_permission = "agents.delete_agentrecord"


def is_staff(request: Request, permission: str) -> bool:
    user = request.user
    return bool(user.is_authenticated and user.is_staff and user.has_perm(permission))


def enrolment_of(request: Request, agent_id: str) -> Enrolment:
    """Raise PermissionDenied if the token is not for this id."""
    access = request.auth
    if isinstance(access, Access):
        return enrolment_by(access, agent_id)
    return Enrolment(actor_of(request)) if is_staff(request, ADD) else ANYBODY


def operator_of(request: Request) -> str:
    if isinstance(request.auth, Access):
        return request.auth.actor
    user = request.user
    return actors.staff(user) if user.is_authenticated else actors.ANYBODY


def actor_of(request: Request) -> str:
    user = request.user
    return actors.staff(user) if user.is_authenticated and user.is_staff else actors.AGENT
