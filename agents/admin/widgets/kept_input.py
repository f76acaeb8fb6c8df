from typing import Any

from django import forms
from django.http import HttpRequest

SESSION_ENDED = (
    "Your session had ended, so nothing was saved. This is what you had entered, without "
    "passwords: check it, and save it again."
)


class Unsaved(forms.Form):
    def clean(self) -> Any:
        cleaned = super().clean()
        self.add_error(None, SESSION_ENDED)
        return cleaned


class KeptInput:
    """Shows a form that was sent after the session had ended, and does not save it unseen."""

    def get_form(
        self, request: HttpRequest, obj: Any | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        is_kept = getattr(request, "form_is_kept", False)
        return type(form.__name__, (Unsaved, form), {}) if is_kept else form
