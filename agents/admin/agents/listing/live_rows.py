"""What has changed in the rows on somebody's screen: asked for again and again, and so cheap.

The rows are named by their ids, which costs the same however the list was narrowed and sorted, and
leaves them where they are.
"""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import URLPattern, path

from agents.admin.agents.listing import columns
from agents.admin.widgets import cells
from agents.models import AgentRecord

HISTORY = "agents.view_agentevent"
# As many as a page of the list can have.
MOST_ROWS = 200


class LiveRows(ModelAdmin[AgentRecord]):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.live_rows)
        return [path("rows/", view, name="agents_agentrecord_rows"), *super().get_urls()]

    def live_rows(self, request: HttpRequest) -> HttpResponse:
        """Answer with ``{"rows": {id: {column: HTML}}}`` for the ids that are posted as `id`.

        Of an agent without a record, only its state is told: that it is gone.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        ids = [one for one in request.POST.getlist("id")[:MOST_ROWS] if "\0" not in one]
        agents = AgentRecord.objects.with_read_at().in_bulk(ids)
        may_see_history = request.user.has_perm(HISTORY)
        rows: dict[str, Any] = {}
        for agent_id in ids:
            agent = agents.get(agent_id)
            if agent is None:
                url = cells.history_url(agent_id) if may_see_history else None
                rows[agent_id] = {"state": columns.gone(agent_id, url)}
            else:
                rows[agent_id] = {name: cell(agent) for name, cell in columns.LIVE_COLUMNS.items()}
        return JsonResponse({"rows": rows})
