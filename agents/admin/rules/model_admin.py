from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework.exceptions import ValidationError

from agents.admin.rules.form import RuleForm
from agents.admin.widgets.cells import counted
from agents.admin.widgets.mixins import CheckedInput, TitledList
from agents.models import AgentRecord, Rule
from agents.notifications.dispatch import next_position
from agents.notifications.filters import parse_filter

MOST_COUNTED = 10_000


@admin.display(description="events")
def events(rule: Rule) -> str:
    return ", ".join(rule.events)


@admin.display(description="filter", ordering="filter")
def agents(rule: Rule) -> str:
    return rule.filter or "all agents"


@admin.display(description="for", ordering="for_seconds")
def lasting(rule: Rule) -> str:
    return f"{rule.for_seconds} s" if rule.for_seconds else "at once"


@admin.display(description="channels")
def channels(rule: Rule) -> str:
    return ", ".join(channel.name for channel in rule.channels.all())


@admin.display(description="quiet hours")
def quiet(rule: Rule) -> str:
    if rule.quiet_from is None or rule.quiet_until is None:
        return "none"
    return f"{rule.quiet_from:%H:%M} to {rule.quiet_until:%H:%M} {rule.time_zone}"


@admin.register(Rule)
class RuleAdmin(CheckedInput, TitledList, ModelAdmin[Rule]):
    form = RuleForm
    list_display = ["name", "is_enabled", events, agents, lasting, channels, quiet]
    list_filter = ["is_enabled"]
    search_fields = ["name", "filter"]
    fieldsets = [
        (None, {"fields": ["name", "is_enabled", "channels"]}),
        ("When", {"fields": ["events", "filter", "for_seconds"]}),
        ("Many at once", {"fields": ["summary_above", "summary_seconds"]}),
        ("Quiet hours", {"fields": ["quiet_from", "quiet_until", "time_zone"]}),
    ]

    class Media:
        css = {"all": ["agents/admin.css", "agents/notifications.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rule]:
        return Rule.objects.prefetch_related("channels")

    def save_model(
        self, request: HttpRequest, obj: Rule, form: forms.ModelForm[Rule], change: bool
    ) -> None:
        """Only what was entered: the dispatcher writes the rest."""
        if change:
            if fields := set(form.changed_data) - {"channels"}:
                obj.save(update_fields=sorted(fields))
        else:
            obj.begins_after = next_position()
            obj.save()
        if obj.filter:
            self.message_user(request, f"The filter matches {_matches(obj)} now.", messages.INFO)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Django would read all held events."""
        names = [rule.name for rule in objs]
        return names, {"notification rules": len(names)}, set(), []


def _matches(rule: Rule) -> str:
    try:
        found = parse_filter(rule.filter).apply(AgentRecord.objects.alive())
    except ValidationError as error:
        return str(error)
    count = found.order_by().values("pk")[: MOST_COUNTED + 1].count()
    more = count > MOST_COUNTED
    return f"more than {counted(MOST_COUNTED, 'agent')}" if more else counted(count, "agent")
