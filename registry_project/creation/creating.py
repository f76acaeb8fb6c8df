"""What is kept of a new agent, and its token."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import reverse

from agents.actors import staff
from agents.history.feed import newest_first
from agents.models import MAX_TOKEN_NAME_LENGTH
from agents.tokens import access as access_tokens
from deploygen.project.new_agent import NewAgent, new_agent
from deploygen.project.scaffold import SPEC_FILE
from deploygen.spec.document import DocumentError, read_document
from deploygen.spec.errors import SpecError
from deploygen.spec.model import AgentSpec

OPERATE = "agents.change_agentrecord"
ISSUE_TOKENS = "agents.add_accesstoken"
# The form's checkbox.
ISSUE = "issue_token"
LIFETIME = timedelta(days=90)
KEPT = "new_agent"


def require_operator(request: HttpRequest) -> None:
    if not request.user.has_perm(OPERATE):
        raise PermissionDenied


def may_issue(request: HttpRequest) -> bool:
    return bool(request.user.has_perm(ISSUE_TOKENS))


def created_url(agent_id: str) -> str:
    return reverse("create-agent-created", args=[agent_id])


def issue_token(request: HttpRequest, spec: AgentSpec) -> str:
    """Issue a token that registers this agent only: its id, and one agent at a time."""
    _, text = access_tokens.issue(
        name=f"agent {spec.agent_id}"[:MAX_TOKEN_NAME_LENGTH],
        actor=staff(request.user),
        agent_prefix=spec.agent_id,
        max_agents=1,
        lifetime=LIFETIME,
    )
    return text


def keep(request: HttpRequest, agent: NewAgent) -> None:
    """Keep the spec for the next page, and what the history has of the id until now."""
    newest = newest_first(agent.spec.agent_id).values_list("pk", flat=True).first()
    request.session[KEPT] = {
        "agent_id": agent.spec.agent_id,
        "spec": agent.files[SPEC_FILE],
        "after": newest or 0,
    }


def kept_agent(request: HttpRequest, agent_id: str) -> NewAgent | None:
    kept = _kept(request, agent_id)
    if kept is None:
        return None
    try:
        return new_agent(read_document(kept["spec"].encode()).value, settings.REGISTRY_URL)
    except (DocumentError, SpecError):  # of a version before the last update
        return None


def begun_after(request: HttpRequest, agent_id: str) -> int:
    """Return the newest event of the id before the agent was made here, 0 if it was not."""
    kept = _kept(request, agent_id)
    return int(kept["after"]) if kept else 0


def _kept(request: HttpRequest, agent_id: str) -> dict[str, Any] | None:
    kept = request.session.get(KEPT)
    return kept if kept and kept["agent_id"] == agent_id else None
