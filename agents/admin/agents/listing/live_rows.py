from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse

from agents.admin.agents.listing import columns
from agents.admin.widgets import cells
from agents.conditions import with_probes
from agents.models import AgentRecord

VIEW_HISTORY = "agents.view_agentevent"
MAX_ROWS = 200


class LiveRows(ModelAdmin[AgentRecord]):
    def live_rows(self, request: HttpRequest) -> HttpResponse:
        """Return ``{"rows": {id: {column: HTML}}}``; for deleted agents, only the `state`."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        ids = [one for one in request.POST.getlist("id")[:MAX_ROWS] if "\0" not in one]
        agents = with_probes(AgentRecord.objects.with_read_at()).in_bulk(ids)
        may_view_history = request.user.has_perm(VIEW_HISTORY)
        rows: dict[str, Any] = {}
        for agent_id in ids:
            agent = agents.get(agent_id)
            if agent is None:
                url = cells.history_url(agent_id) if may_view_history else None
                rows[agent_id] = {"state": columns.gone(url)}
            else:
                rows[agent_id] = {one.name: one.cell(agent) for one in columns.LIVE_COLUMNS}
        return JsonResponse({"rows": rows})
