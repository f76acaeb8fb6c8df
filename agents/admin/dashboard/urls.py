"""Include them before the admin's: the dashboard replaces its index."""

from django.contrib import admin
from django.urls import path

from agents.admin.dashboard import views
from agents.admin.dashboard.live import views as live
from agents.admin.dashboard.search.views import search_page

urlpatterns = [
    path("", admin.site.admin_view(views.front_page), name="index"),
    path("overview/", admin.site.admin_view(views.live_overview), name="overview"),
    path(
        "overview/attention/",
        admin.site.admin_view(views.live_attention),
        name="overview-attention",
    ),
    path("overview/icon/<int:count>.svg", admin.site.admin_view(views.icon), name="overview-icon"),
    path("overview/charts/", admin.site.admin_view(views.live_charts), name="overview-charts"),
    path("search/", admin.site.admin_view(search_page), name="search"),
    path("live/", live.stream, name="live"),
    path("live/changes/", admin.site.admin_view(live.changes), name="live-changes"),
]
