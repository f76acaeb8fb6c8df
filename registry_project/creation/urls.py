"""Include them before the admin's."""

from django.contrib import admin
from django.urls import path

from registry_project.creation import form, waiting

urlpatterns = [
    path("", admin.site.admin_view(form.page), name="create-agent"),
    path("preview/", admin.site.admin_view(form.preview), name="create-agent-preview"),
    path("<str:agent_id>/", admin.site.admin_view(waiting.page), name="create-agent-created"),
    path("<str:agent_id>/zip/", admin.site.admin_view(waiting.archive), name="create-agent-zip"),
    path("<str:agent_id>/now/", admin.site.admin_view(waiting.now), name="create-agent-now"),
]
