"""Times in the viewer's zone, with UTC on hover."""

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from agents.durations import ago, exactly

register = template.Library()


def in_zone(at: datetime) -> str:
    return localtime(at).strftime("%Y-%m-%d %H:%M:%S %Z")


@register.filter
def exact(at: datetime) -> SafeString:
    html = '<time datetime="{}" title="{}">{}</time>'
    return format_html(html, at.isoformat(), exactly(at), in_zone(at))


def moment(at: datetime, now: datetime) -> SafeString:
    """ages.js updates it, inside an element with `data-now`."""
    age = ago((now - at).total_seconds())
    html = '<time datetime="{}" title="{}" data-age>{}</time>'
    return format_html(html, at.isoformat(), in_both(at), age)


def in_both(at: datetime) -> str:
    """In the viewer's zone and in UTC."""
    here, utc = in_zone(at), exactly(at)
    return here if here == utc else f"{here} ({utc})"
