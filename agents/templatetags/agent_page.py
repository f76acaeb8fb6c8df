from django import template
from django.urls import reverse

register = template.Library()


@register.simple_tag
def fleet_with(name: str, value: str) -> str:
    return reverse("admin:agents_agentrecord_changelist", query={name: value})
