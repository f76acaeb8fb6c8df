"""Who may do what: in open mode everybody, else by token, or as staff by Django's permissions."""

from typing import Any

from django.conf import settings
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from agents import actors
from agents.api.authentication import WANTED, Lease
from agents.tokens import lease as lease_tokens
from agents.tokens.cache import Access
from agents.tokens.enrollment import ANYBODY, Enrolment

ADD = "agents.add_agentrecord"


class Permission(BasePermission):
    """401 for who shows nothing, 403 for who shows something that is not good for this."""

    # Django's permission that lets staff do it by their session.
    of_staff = ""
    wanted = WANTED
    message = "This token is not good for that."

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002
        if self.is_free(request) or self.is_granted_by(request.auth):
            return True
        if is_staff(request, self.of_staff):
            return True
        if request.auth is None and not request.user.is_authenticated:
            raise NotAuthenticated(self.wanted)
        if request.auth is None:
            raise PermissionDenied("Your login may not do that.")
        return False

    def is_free(self, request: Request) -> bool:  # noqa: ARG002
        return is_open()

    def is_granted_by(self, auth: Any) -> bool:
        raise NotImplementedError


class MayRead(Permission):
    """To read about agents and about the registry: the listing, one agent, metrics."""

    of_staff = "agents.view_agentrecord"
    message = "This token may not read about agents."

    def is_free(self, request: Request) -> bool:
        return settings.REGISTRY_PUBLIC_READ or super().is_free(request)

    def is_granted_by(self, auth: Any) -> bool:
        return isinstance(auth, Access) and auth.may_read


class MayRegister(Permission):
    """To register some agent; which, `enrolment_of` tells. Who shows a token is held to it."""

    of_staff = ADD
    message = "This token may not register agents."

    def is_free(self, request: Request) -> bool:
        return request.auth is None and super().is_free(request)

    def is_granted_by(self, auth: Any) -> bool:
        return isinstance(auth, Access) and auth.may_register


class MayHeartbeat(Permission):
    of_staff = "agents.change_agentrecord"
    wanted = f"Send the token of the agent's lease in the header {lease_tokens.HEADER}."

    def is_granted_by(self, auth: Any) -> bool:
        return isinstance(auth, Lease)


class MayDeregister(MayHeartbeat):
    of_staff = "agents.delete_agentrecord"


def is_open() -> bool:
    """Whether everybody may do everything. What is set to something unknown is not open."""
    return bool(settings.REGISTRY_AUTH == "open")


def is_staff(request: Request, permission: str) -> bool:
    user = request.user
    return bool(user.is_authenticated and user.is_staff and user.has_perm(permission))


def enrolment_of(request: Request, agent_id: str) -> Enrolment:
    """Return as whom the caller registers the agent. Raise PermissionDenied."""
    access = request.auth
    if isinstance(access, Access):
        if not agent_id.startswith(access.agent_prefix):
            raise PermissionDenied(
                f"This token may register ids that begin with {access.agent_prefix!r}."
            )
        return Enrolment(access.actor, access.key, access.max_agents, takes_over=is_open())
    return Enrolment(actor_of(request)) if is_staff(request, ADD) else ANYBODY


def actor_of(request: Request) -> str:
    """Return the caller's name in the history: the staff's, else the agent itself."""
    user = request.user
    return actors.staff(user) if user.is_authenticated and user.is_staff else actors.AGENT
