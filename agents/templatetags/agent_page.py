from django import template
from django.urls import reverse

register = template.Library()


@register.simple_tag
def fleet_with(name: str, value: str) -> str:
    """Return the URL of the agents with that version, tag or skill."""
    return reverse("admin:agents_agentrecord_changelist", query={name: value})
