"""The form that runs an agent, made from what the agent takes."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from agents.trials.inputs import Input, NotOfItsType, inputs_of

MAX_BODY_LENGTH = 64 * 1024
MAX_TOKEN_LENGTH = 4096
TOKEN = re.compile(r"[\x21-\x7e]+")
JOB = re.compile(r"\A[A-Za-z0-9._-]{1,100}\Z")
# Names of inputs are the agent's: they could be any other field's.
PREFIX = "input-"


class TokenForm(forms.Form):
    token = forms.CharField(
        required=False,
        max_length=MAX_TOKEN_LENGTH,
        label="The agent's access token",
        help_text="If the agent asks for one. It is sent to the agent, and never stored.",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    def clean_token(self) -> str:
        token: str = self.cleaned_data["token"]
        if token and not TOKEN.fullmatch(token):
            raise forms.ValidationError("It contains characters that cannot be in a token.")
        return token


class JobForm(TokenForm):
    job = forms.RegexField(JOB, widget=forms.HiddenInput)


class RunForm(TokenForm):
    """Has the agent's schema with it, so that a run needs no other call."""

    schema = forms.CharField(required=False, widget=forms.HiddenInput, max_length=MAX_BODY_LENGTH)

    def __init__(self, schema: Any, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, label_suffix="", initial={"schema": json.dumps(schema)})
        self.inputs: Sequence[Input] = inputs_of(schema)
        fields: dict[str, forms.Field] = {
            f"{PREFIX}{number}": _field(each) for number, each in enumerate(self.inputs)
        }
        if not fields:
            fields["body"] = _body()
        self.fields = {**fields, **self.fields}

    @classmethod
    def posted(cls, data: Mapping[str, Any]) -> "RunForm":
        try:
            schema = json.loads(data.get("schema", "")[:MAX_BODY_LENGTH])
        except (ValueError, RecursionError):
            schema = None
        return cls(schema, data)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        values = {}
        for number, each in enumerate(self.inputs):
            text = cleaned.get(f"{PREFIX}{number}", "")
            if text == "":
                continue
            try:
                values[each.name] = each.parse(text)
            except NotOfItsType as error:
                self.add_error(f"{PREFIX}{number}", str(error))
        if not self.inputs and "body" in cleaned:
            values = self._parse_body(cleaned["body"])
        return cleaned | {"values": values}

    def _parse_body(self, text: str) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            self.add_error("body", f"It must be a JSON object: {error}")
        return None


def _field(of: Input) -> forms.Field:
    words = [of.description.rstrip("."), of.type, f"default {of.default}" if of.default else ""]
    required = "required" if of.is_required else "left out if empty"
    help_text = "; ".join(filter(None, [*words, required]))
    if of.type == "boolean":
        choices = [("", ""), ("true", "true"), ("false", "false")]
        return forms.ChoiceField(
            choices=choices, required=False, label=of.name, help_text=help_text
        )
    return forms.CharField(
        required=False,
        strip=False,
        max_length=MAX_BODY_LENGTH,
        label=of.name,
        help_text=help_text,
        widget=forms.Textarea(attrs={"rows": 1 if of.type in ("integer", "number") else 2}),
    )


def _body() -> forms.Field:
    return forms.CharField(
        initial="{}",
        max_length=MAX_BODY_LENGTH,
        label="JSON object",
        help_text="The agent declares no inputs that can be read, so it takes any object.",
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
    )
