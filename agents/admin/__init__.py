"""The operator's pages. What they change, they change through `agents.leases`."""

from django.contrib import admin

from agents.admin.agents.model_admin import AgentAdmin
from agents.admin.events.model_admin import EventAdmin
from agents.admin.tokens.model_admin import AccessTokenAdmin

__all__ = ["AccessTokenAdmin", "AgentAdmin", "EventAdmin"]

admin.site.site_header = "Agent registry"
admin.site.site_title = "Agent registry"
admin.site.index_title = "Overview"
admin.site.site_url = None  # no second site to view: the API's page is linked by the template
admin.site.enable_nav_sidebar = False  # the fleet's list needs the width
