"""Who may see changes: staff that may view agents, as long as they are logged in."""

from dataclasses import dataclass

from django.contrib import admin
from django.contrib.auth import get_user
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from agents.admin.dashboard.overview import may_view_agents


def may_look(request: HttpRequest) -> bool:
    return admin.site.has_permission(request) and may_view_agents(request.user)


@dataclass(frozen=True)
class Login:
    """The session of a request, to be checked again after the request has ended."""

    store: type[SessionBase]
    key: str

    @classmethod
    def of(cls, request: HttpRequest) -> "Login":
        return cls(type(request.session), request.session.session_key or "")

    def may_still_look(self) -> bool:
        request = HttpRequest()
        request.session = self.store(self.key)
        request.user = get_user(request)
        return may_look(request)
