from collections.abc import Sequence
from urllib.parse import quote_plus

from django.utils.http import urlencode
from django.utils.safestring import SafeString

from agents.admin.agents.listing.filters import REPEATABLE
from agents.admin.widgets.quick_html import format_html


class FilterLinks:
    """Links to the list with one filter more. Most values are in many rows."""

    def __init__(self, parameters: Sequence[tuple[str, str]] = ()) -> None:
        self._parameters = [pair for pair in parameters if pair[1]]
        self._before: dict[str, str] = {}
        self._made: dict[tuple[str, str, str], SafeString] = {}

    def to(self, parameter: str, value: str, *, css: str = "", title: str = "") -> SafeString:
        if not value:
            return SafeString()
        key = parameter, value, title
        if key not in self._made:
            self._made[key] = format_html(
                '<a class="{}" href="?{}" title="{}">{}</a>',
                css or "fleet-narrow",
                self._query(parameter, value),
                title or f"Only agents with this {parameter}: {value}",
                value,
            )
        return self._made[key]

    def _query(self, parameter: str, value: str) -> str:
        if (parameter, value) in self._parameters:
            return urlencode(self._parameters)
        if parameter not in self._before:
            kept = [
                pair for pair in self._parameters if parameter in REPEATABLE or pair[0] != parameter
            ]
            self._before[parameter] = f"{urlencode(kept)}&" if kept else ""
        return f"{self._before[parameter]}{parameter}={quote_plus(value)}"
