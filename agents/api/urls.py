from django.urls import re_path
from rest_framework.routers import SimpleRouter

from agents import agent_ids
from agents.api.ard import ArdViewSet
from agents.api.history import HistoryViewSet
from agents.api.views import AgentViewSet
from agents.api.well_known import WellKnownViewSet

router = SimpleRouter(trailing_slash=False)
router.trailing_slash = "/?"
router.register("agents", AgentViewSet, basename="agent")

ard, well_known = ArdViewSet.as_view, WellKnownViewSet.as_view
history = HistoryViewSet.as_view

urlpatterns = [
    *router.urls,
    re_path(
        rf"^agents/(?P<agent_id>{agent_ids.PATTERN})/events/?$",
        history({"get": "of_agent"}),
        name="agent-events",
    ),
    re_path(r"^events/?$", history({"get": "of_all"}), name="events"),
    re_path(r"^ard/search/?$", ard({"post": "search"}), name="ard-search"),
    re_path(r"^ard/explore/?$", ard({"post": "explore"}), name="ard-explore"),
    re_path(r"^ard/agents/?$", ard({"get": "entries"}), name="ard-agents"),
    re_path(r"^\.well-known/ai-catalog\.json$", well_known({"get": "catalog"}), name="ai-catalog"),
    re_path(r"^\.well-known/agents/?$", well_known({"get": "cards"}), name="agent-cards"),
    re_path(
        r"^\.well-known/agents/heartbeat/?$",
        well_known({"post": "announce"}),
        name="agent-card-heartbeat",
    ),
]
