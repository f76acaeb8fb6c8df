"""For the admin's front page, which has no view of ours."""

from typing import Any

from django import template
from django.http import HttpRequest

from agents.admin.purging import HeldPurge, held_purge

register = template.Library()


@register.simple_tag(takes_context=True)
def get_held_purge(context: dict[str, Any]) -> HeldPurge | None:
    request: HttpRequest = context["request"]
    return held_purge(request)
