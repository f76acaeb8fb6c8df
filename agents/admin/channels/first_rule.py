"""A rule that comes with a new channel, so that it gets messages without a second form."""

from typing import Any

from django import forms
from django.http import HttpRequest

from agents.models import (
    MAX_CHANNEL_NAME_LENGTH,
    MAX_VIEW_QUERY_LENGTH,
    AgentEvent,
    Channel,
    Rule,
)
from agents.notifications.dispatch import next_position
from agents.notifications.rules import problems

ADD_RULE = "agents.add_rule"
EVENTS = [AgentEvent.Kind.EXPIRED.value]


class FirstRuleForm(forms.ModelForm[Channel]):
    tell_expiries = forms.BooleanField(
        label="A message when an agent expires",
        required=False,
        initial=True,
        help_text="By a rule of the channel's name, which may be changed afterwards.",
    )
    tell_filter = forms.CharField(
        label="Only of agents that match",
        required=False,
        max_length=MAX_VIEW_QUERY_LENGTH,
        widget=forms.TextInput(attrs={"class": "vLargeTextField"}),
        help_text="As in a URL of the API: tag=gpu&name=painter. Empty: all.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk is not None:
            del self.fields["tell_expiries"], self.fields["tell_filter"]

    def clean_tell_filter(self) -> str:
        text: str = self.cleaned_data["tell_filter"].strip().removeprefix("?")
        if problem := problems(events=EVENTS, filter_=text, for_seconds=0).get("filter"):
            raise forms.ValidationError(problem)
        return text


def add_first_rule(request: HttpRequest, channel: Channel, form: forms.ModelForm[Channel]) -> None:
    if not form.cleaned_data.get("tell_expiries") or not request.user.has_perm(ADD_RULE):
        return
    name = channel.name
    if Rule.objects.filter(name=name).exists():
        name = f"{name} {channel.pk}"[-MAX_CHANNEL_NAME_LENGTH:]
    rule = Rule.objects.create(
        name=name,
        events=EVENTS,
        filter=form.cleaned_data["tell_filter"],
        begins_after=next_position(),
    )
    rule.channels.add(channel)
