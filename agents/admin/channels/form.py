from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime

from agents.admin.channels.first_rule import FirstRuleForm
from agents.encryption import encrypt
from agents.models import MAX_URL_LENGTH, Channel
from agents.notifications.channels.urls import UnusableUrl, shown_url

URL_HELP = (
    "Webhook: https://receiver.example/hooks. Apprise: the URL of a service, such as "
    "slack://TokenA/TokenB/TokenC/#channel or mailtos://user:password@mail.example?to=ops@example.com"
)
KEEP_HELP = "Leave it empty to keep the current one, which is not shown in full."


class ChannelForm(FirstRuleForm):
    url = forms.CharField(
        label="URL",
        max_length=MAX_URL_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"class": "vLargeTextField", "autocomplete": "off"}),
    )
    muted_until = forms.SplitDateTimeField(
        required=False,
        widget=AdminSplitDateTime,
        help_text="Until then messages are logged, but not sent. Empty: not muted.",
    )

    class Meta:
        model = Channel
        fields = ("name", "kind", "is_enabled", "muted_until")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        url = self.fields["url"]
        url.help_text = URL_HELP
        if self.instance.pk is not None:
            url.help_text = KEEP_HELP
            url.widget.attrs["placeholder"] = self.instance.shown_url

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kind, url = cleaned.get("kind"), cleaned.get("url", "")
        if url and kind:
            try:
                self.instance.shown_url = shown_url(kind, url)
            except UnusableUrl as error:
                self.add_error("url", str(error))
            else:
                self.instance.encrypted_url = encrypt(url)
        elif not self.errors and (self.instance.pk is None or "kind" in self.changed_data):
            self.add_error("url", "Enter a URL of this kind.")
        return cleaned
