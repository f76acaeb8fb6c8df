"""Checks URLs of channels, and hides their secrets."""

from django.conf import settings

from agents.addresses import parse_address
from agents.models import MAX_URL_LENGTH, Channel
from agents.notifications.channels.apprise import describe_url
from agents.outbound.client import check_url as check_http_url
from agents.outbound.errors import NotAllowed


class UnusableUrl(ValueError):
    """The message is for people."""


def shown_url(kind: str, url: str) -> str:
    """Return a URL without its secrets. Raise UnusableUrl."""
    if len(url) > MAX_URL_LENGTH:
        raise UnusableUrl(f"It has more than {MAX_URL_LENGTH:,} characters.")
    if kind == Channel.Kind.APPRISE:
        shown, problem = describe_url(url)
        if problem:
            raise UnusableUrl(_sentence(problem))
        return shown[:MAX_URL_LENGTH]
    return _shown_http_url(url)


def _shown_http_url(url: str) -> str:
    try:
        parsed = check_http_url(url)
    except NotAllowed as error:
        raise UnusableUrl(_sentence(str(error))) from error
    networks = settings.NOTIFICATION_NETWORKS
    if parse_address(parsed.host) and not networks.allows(parsed.host):
        raise UnusableUrl(
            f"{parsed.host} is not in the allowed networks ({networks}): see NOTIFICATION_NETWORKS."
        )
    # Many services put a token into the path.
    has_more = parsed.raw_path not in (b"", b"/")
    return f"{parsed.scheme}://{parsed.netloc.decode('ascii')}/{'...' if has_more else ''}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
