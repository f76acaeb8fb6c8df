from django.contrib import admin

from agents.admin.agents.model_admin import AgentAdmin
from agents.admin.channels.model_admin import ChannelAdmin
from agents.admin.deliveries.model_admin import DeliveryAdmin
from agents.admin.events.model_admin import EventAdmin
from agents.admin.mutes.model_admin import MuteAdmin
from agents.admin.rules.model_admin import RuleAdmin
from agents.admin.tokens.model_admin import AccessTokenAdmin

__all__ = [
    "AccessTokenAdmin",
    "AgentAdmin",
    "ChannelAdmin",
    "DeliveryAdmin",
    "EventAdmin",
    "MuteAdmin",
    "RuleAdmin",
]

admin.site.site_header = "Agent registry"
admin.site.site_title = "Agent registry"
admin.site.index_title = "Overview"
admin.site.site_url = None
admin.site.enable_nav_sidebar = False
