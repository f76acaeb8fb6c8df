"""A page that shows a secret once, to which a form leads.

The secret is encrypted in the session until then, so a reload of the page makes nothing again.
"""

from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.cache import add_never_cache_headers

from agents.admin.widgets.pages import admin_page
from agents.encryption import Undecipherable, decrypt, encrypt

KEPT = "shown_once"


def lead_to(request: HttpRequest, url: str, text: str) -> HttpResponse:
    """`url`: of the page, which calls `show`."""
    request.session[KEPT] = {"url": url, "text": encrypt(text)}
    return HttpResponseRedirect(url)


def show(
    model_admin: ModelAdmin[Any],
    request: HttpRequest,
    template: str,
    *,
    what: str,
    later: str,
    **context: Any,
) -> HttpResponse:
    """Show the secret, or lead to the page `later`."""
    text = take(request)
    if text is None:
        model_admin.message_user(request, f"A {what} is shown only once.", messages.WARNING)
        return HttpResponseRedirect(later)
    response = admin_page(model_admin, request, template, what=what, text=text, **context)
    add_never_cache_headers(response)
    return response


def take(request: HttpRequest) -> str | None:
    """Return the secret if this page has not shown it yet."""
    kept = request.session.get(KEPT)
    if kept is None or kept["url"] != request.path:
        return None
    del request.session[KEPT]
    try:
        return decrypt(kept["text"])
    except Undecipherable:  # the keys have just been changed
        return None
