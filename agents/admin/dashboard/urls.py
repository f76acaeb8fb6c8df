"""The dashboard's URLs, to be included before the admin's own: it replaces the admin's index."""

from django.contrib import admin
from django.urls import path

from agents.admin.dashboard import views

urlpatterns = [
    path("", admin.site.admin_view(views.front_page), name="index"),
    path("overview/", admin.site.admin_view(views.live_overview), name="overview"),
    path("overview/charts/", admin.site.admin_view(views.live_charts), name="overview-charts"),
]
