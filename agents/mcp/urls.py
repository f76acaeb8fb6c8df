from django.urls import re_path

from agents.mcp.views import Mcp

urlpatterns = [re_path(r"^mcp/?$", Mcp.as_view(), name="mcp")]
