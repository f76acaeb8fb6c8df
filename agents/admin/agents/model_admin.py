from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http import HttpResponseBase
from django.urls import URLPattern, path

from agents.admin.agents.gone import GoneList
from agents.admin.agents.held_purge import PurgeAnyway
from agents.admin.agents.listing.export import FORMATS, Exports
from agents.admin.agents.listing.list_changes import ListChanges
from agents.admin.agents.listing.live_rows import LiveRows
from agents.admin.agents.listing.page import FleetList
from agents.admin.agents.listing.saved_views import SavedViews
from agents.admin.agents.operations import Operations
from agents.admin.agents.page import AgentPage
from agents.admin.agents.trying.page import Trying
from agents.models import AgentRecord

View = Callable[..., HttpResponseBase]


@admin.register(AgentRecord)
class AgentAdmin(
    Operations,
    PurgeAnyway,
    LiveRows,
    ListChanges,
    Exports,
    SavedViews,
    GoneList,
    FleetList,
    Trying,
    AgentPage,
):
    def get_urls(self) -> list[URLPattern]:
        views: list[tuple[str, View, dict[str, Any], str]] = [
            ("gone/", self.gone_view, {}, "gone"),
            ("purge-anyway/", self.purge_anyway, {}, "purge_anyway"),
            ("rows/", self.live_rows, {}, "rows"),
            ("changes/", self.list_changes, {}, "changes"),
            ("counts/", self.list_counts, {}, "counts"),
            ("facets/<slug:name>/", self.facet_values, {}, "facet_values"),
            *(
                (f"export/{kind}/", self.export, {"kind": kind}, f"export_{kind}")
                for kind in FORMATS
            ),
            ("undo/<uuid:key>/", self.undo, {}, "undo"),
            ("views/save/", self.save_view, {}, "save_view"),
            ("views/<int:pk>/delete/", self.delete_saved_view, {}, "delete_view"),
            ("<path:object_id>/now/", self.now_view, {}, "now"),
            ("<path:object_id>/try/", self.try_view, {}, "try"),
        ]
        return [
            path(route, self.admin_site.admin_view(view), options, f"agents_agentrecord_{name}")
            for route, view, options, name in views
        ] + super().get_urls()
