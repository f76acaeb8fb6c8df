"""A secret for the page that a form leads to, encrypted in the session until that has shown it.

So a reload of that page makes nothing again.
"""

from django.http import HttpRequest

from agents.encryption import Undecipherable, decrypt, encrypt

KEPT = "shown_once"


def keep(request: HttpRequest, url: str, text: str) -> None:
    """`url`: of the page that shows it."""
    request.session[KEPT] = {"url": url, "text": encrypt(text)}


def take(request: HttpRequest) -> str | None:
    """Return the secret for this page, the first time."""
    kept = request.session.get(KEPT)
    if kept is None or kept["url"] != request.path:
        return None
    del request.session[KEPT]
    try:
        return decrypt(kept["text"])
    except Undecipherable:  # the keys have just been changed
        return None
