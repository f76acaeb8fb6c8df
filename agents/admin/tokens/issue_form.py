from typing import Any, ClassVar

from django import forms

from agents.models import AccessToken
from agents.tokens.terms import NOTHING_ALLOWED, BadTerms, check_terms, lifetime_of

DEFAULT_DAYS = 90
FORM_FIELDS = {"lifetime": "days"}


class IssueForm(forms.ModelForm[AccessToken]):
    may_register = forms.BooleanField(
        required=False, initial=True, help_text="Agents read the token from AGENT_ENROLMENT_TOKEN."
    )
    may_read = forms.BooleanField(
        required=False, help_text="The token may read all agents and the metrics."
    )
    may_operate = forms.BooleanField(
        required=False,
        help_text="The token may drain any agent through MCP. It must be able to read, too.",
    )
    days = forms.IntegerField(
        required=False,
        min_value=1,
        initial=DEFAULT_DAYS,
        help_text="How long the token is valid. Empty: until it is revoked.",
    )

    class Meta:
        model = AccessToken
        fields = ("name", "may_register", "agent_prefix", "max_agents", "may_read", "may_operate")
        labels: ClassVar[dict[str, Any]] = {
            "agent_prefix": "Id prefix",
            "max_agents": "Maximum agents",
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "name": "What the token is for.",
            "agent_prefix": "The token registers only agents whose ids begin with this. "
            "Empty: any id.",
            "max_agents": "How many agents may be alive at once. Empty: no limit.",
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not (cleaned.get("may_register") or cleaned.get("may_read")):
            self.add_error("may_register", NOTHING_ALLOWED)
        if not self.errors:
            try:
                check_terms(**terms_of(cleaned))
            except BadTerms as error:
                self.add_error(FORM_FIELDS.get(error.field, error.field), str(error))
        return cleaned


def terms_of(cleaned: dict[str, Any]) -> dict[str, Any]:
    terms = {name: cleaned.get(name) for name in IssueForm.Meta.fields}
    return terms | {"lifetime": lifetime_of(cleaned.get("days"))}
