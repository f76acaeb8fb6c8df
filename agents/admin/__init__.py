"""The operator's pages. They change agents only through `agents.leases`."""

from django.contrib import admin

from agents.admin.agents.model_admin import AgentAdmin
from agents.admin.events.model_admin import EventAdmin
from agents.admin.tokens.model_admin import AccessTokenAdmin

__all__ = ["AccessTokenAdmin", "AgentAdmin", "EventAdmin"]

admin.site.site_header = "Agent registry"
admin.site.site_title = "Agent registry"
admin.site.index_title = "Overview"
admin.site.site_url = None  # the template links the API's docs instead
admin.site.enable_nav_sidebar = False  # the agent list needs the width
