from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.template.response import TemplateResponse


def admin_page(
    model_admin: ModelAdmin[Any],
    request: HttpRequest,
    template: str,
    *,
    status: int | None = None,
    **context: Any,
) -> TemplateResponse:
    options = model_admin.opts
    return TemplateResponse(
        request,
        f"admin/{options.app_label}/{options.model_name}/{template}",
        {
            **model_admin.admin_site.each_context(request),
            "opts": options,
            "media": model_admin.media,
            **context,
        },
        status=status,
    )
