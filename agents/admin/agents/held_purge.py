from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from agents import leases
from agents.actors import staff
from agents.admin.widgets import cells
from agents.admin.widgets.pages import admin_page
from agents.durations import in_words
from agents.leases.fleet.count import Count
from agents.leases.fleet.last_count import recent_count
from agents.leases.purge.hold import current_hold
from agents.leases.purge.mass_expiry import assess
from agents.leases.purge.sweep_mark import SweepReport, report_sweeps
from agents.models import AgentRecord

VIEW, DELETE = "agents.view_agentrecord", "agents.delete_agentrecord"


@dataclass(frozen=True)
class HeldPurge:
    """`silent` of `fleet` agents are silent; `expired` of them are kept."""

    expired: int
    silent: int
    fleet: int
    since: datetime
    until: datetime
    lasted: timedelta
    may_purge: bool

    @property
    def time_left(self) -> str:
        left = self.until - self.since - self.lasted
        return in_words(left.total_seconds(), units=1)


def held_purge(
    request: HttpRequest,
    last_sweep: SweepReport | None = None,
    count: Count | None = None,
) -> HeldPurge | None:
    """None if no purge is held, or the user may not view agents."""
    if not request.user.has_perm(VIEW) or not (last_sweep or report_sweeps()).held:
        return None
    hold = current_hold()
    if hold is None:
        return None
    fleet = assess(count or recent_count())
    if not fleet.must_hold:
        return None
    return HeldPurge(
        expired=fleet.expired,
        silent=fleet.silent.agents,
        fleet=fleet.fleet.agents,
        since=hold.since,
        until=hold.until,
        lasted=hold.lasted,
        may_purge=request.user.has_perm(DELETE),
    )


class PurgeAnyway(ModelAdmin[AgentRecord]):
    def purge_anyway(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perms([VIEW, DELETE]):
            raise PermissionDenied
        fleet = reverse("admin:agents_agentrecord_changelist")
        if request.method == "POST" and "confirmed" in request.POST:
            purge = leases.purge_expired(
                batch_size=settings.SWEEP_BATCH_SIZE, actor=staff(request.user), force=True
            )
            level = messages.SUCCESS if purge.purged else messages.WARNING
            self.message_user(request, f"{cells.counted(purge.purged, 'agent')} purged.", level)
            return HttpResponseRedirect(fleet)
        expired = AgentRecord.objects.expired().count()
        return admin_page(
            self,
            request,
            "purge_confirmation.html",
            title=f"Purge {cells.counted(expired, 'expired agent')}?",
            expired=expired,
            held_purge=held_purge(request),
            cancel_url=fleet,
        )
