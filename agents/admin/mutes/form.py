from typing import Any

from django import forms

from agents.admin.widgets.reason import ReasonForm
from agents.attention import MUTES, Problem
from agents.durations import in_words

LONGEST_REASON = 160  # the history says for how long, too


class MuteForm(ReasonForm):
    def __init__(self, data: Any) -> None:
        super().__init__(data, LONGEST_REASON)
        choices = [(key, in_words(each.total_seconds())) for key, each in MUTES.items()]
        self.fields["hours"] = forms.ChoiceField(choices=choices, label="For how long")


def chosen_problems(names: list[str]) -> list[Problem]:
    """Leave out what is no problem."""
    return [problem for problem in Problem if problem in names]
