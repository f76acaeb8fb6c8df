from typing import Any

from django.contrib import admin
from rest_framework.renderers import BrowsableAPIRenderer


class BrowsableAPI(BrowsableAPIRenderer):
    """The API as pages of the dashboard, with its header for staff who are logged in."""

    def get_context(
        self, data: Any, accepted_media_type: str | None, renderer_context: Any
    ) -> dict[str, Any]:
        context = super().get_context(data, accepted_media_type, renderer_context)
        form = context["raw_data_post_form"]
        return context | {
            "example": form.fields["_content"].initial if form else None,
            "title": context["name"],
            "site_title": admin.site.site_title,
            "site_header": admin.site.site_header,
            "has_permission": admin.site.has_permission(context["request"]),
        }
