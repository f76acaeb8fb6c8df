from typing import Any

from django import forms


class ReasonForm(forms.Form):
    def __init__(self, data: Any, max_length: int) -> None:
        super().__init__(data, label_suffix="")
        self.fields["reason"] = forms.CharField(
            required=False,
            max_length=max_length,
            label="Reason",
            help_text="Optional. It is recorded in the history.",
            widget=forms.TextInput(
                attrs={"class": "vTextField", "autocomplete": "off", "autofocus": True}
            ),
        )
