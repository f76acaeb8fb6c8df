from typing import Any, ClassVar
from zoneinfo import available_timezones

from django import forms

from agents.models import AgentEvent, Rule
from agents.notifications.rules import REGISTRY_KINDS, problems


class RuleForm(forms.ModelForm[Rule]):
    events = forms.MultipleChoiceField(
        choices=[
            (kind.value, f"{kind.label} (the registry)" if kind in REGISTRY_KINDS else kind.label)
            for kind in AgentEvent.Kind
        ],
        widget=forms.CheckboxSelectMultiple,
        help_text="What happens to an agent, or to the registry itself.",
    )
    time_zone = forms.ChoiceField(
        choices=[(name, name) for name in sorted(available_timezones())],
        help_text="The time zone of the quiet hours.",
    )

    class Meta:
        model = Rule
        fields = (
            "name",
            "is_enabled",
            "channels",
            "events",
            "filter",
            "for_seconds",
            "summary_above",
            "summary_seconds",
            "quiet_from",
            "quiet_until",
            "time_zone",
        )
        widgets: ClassVar[dict[str, Any]] = {
            "channels": forms.CheckboxSelectMultiple,
            "filter": forms.TextInput(attrs={"class": "vLargeTextField"}),
        }
        labels: ClassVar[dict[str, Any]] = {
            "for_seconds": "For seconds",
            "summary_above": "Summarise above",
            "summary_seconds": "Within seconds",
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "filter": "Which agents, as in a URL of the API: tag=gpu&name=painter. Empty: all.",
            "for_seconds": "Only if the agent is still in that state after this many seconds. "
            "0: at once.",
            "summary_above": "If more messages than this are due within the time below, the "
            "rest become one summary. 0: always a summary. Empty: a message for each event, as "
            "programs expect it.",
            "summary_seconds": "How long messages are counted, and events collected for a summary.",
            "quiet_from": "Messages are held during quiet hours, and summarised afterwards.",
        }

    def clean_filter(self) -> str:
        text: str = self.cleaned_data["filter"]
        return text.strip().removeprefix("?")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if (cleaned.get("quiet_from") is None) != (cleaned.get("quiet_until") is None):
            self.add_error("quiet_until", "Quiet hours need a start and an end.")
        found = problems(
            events=cleaned.get("events", ()),
            filter_=cleaned.get("filter", ""),
            for_seconds=cleaned.get("for_seconds") or 0,
        )
        for field, problem in found.items():
            self.add_error(field, problem)
        return cleaned
