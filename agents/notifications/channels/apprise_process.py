"""``python -m agents.notifications.channels.apprise_process``: sends messages by apprise.

It reads a job as JSON, and writes a line of JSON for each attempted message. It stops after a
failure. Without messages it only checks the URL.

Apprise opens its own connections, and has URLs that act on this machine or name files. So the guard
of `agents.outbound.process` limits its process.
"""

import json
import logging
import mimetypes
import os
import re
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apprise
import certifi

from agents.outbound.networks import Networks
from agents.outbound.process import guard_process

MEMORY_BYTES = 2**30
# They act on this machine instead of sending anything.
LOCAL = frozenset(
    {"blink1", "dbus", "gio", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"}
)
SPACES = re.compile(r"\s+")


class Reasons(logging.Handler):
    """Collects why apprise could not send. `refusals`: of the guard."""

    def __init__(self, refusals: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.refusals = refusals
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(SPACES.sub(" ", record.getMessage()))

    def take(self) -> str:
        texts = dict.fromkeys([*self.refusals, *self.texts])
        self.refusals.clear()
        self.texts.clear()
        return "; ".join(texts)


def main() -> None:
    job = json.loads(sys.stdin.read())
    networks = Networks.parse(job["networks"])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    mimetypes.init()
    show_compiled_plugins()
    reasons = Reasons(guard_process(networks, _code_folders()))
    messages = job["messages"]
    results = (
        [describe(job["url"])] if messages is None else attempts(job["url"], messages, reasons)
    )
    for result in results:
        print(json.dumps(result), flush=True)


def show_compiled_plugins() -> None:
    """Apprise finds its plugins by the names of their sources, which the image does not have."""
    names_in = os.listdir

    def listdir(path: str = ".") -> list[str]:
        return [f"{name[:-4]}.py" if name.endswith(".pyc") else name for name in names_in(path)]

    os.listdir = listdir  # type: ignore[assignment]


def describe(url: str) -> dict[str, str]:
    service, problem = read_url(url)
    shown = service.url(privacy=True) if service else ""  # type: ignore[no-untyped-call]
    return {"shown": shown, "reason": problem}


def attempts(
    url: str, messages: list[dict[str, str]], reasons: Reasons
) -> Iterator[dict[str, Any]]:
    """Yield for each message whether it was sent, and why not."""
    logging.getLogger("apprise").addHandler(reasons)
    service, problem = read_url(url)
    if service is None:
        yield {"sent": False, "reason": problem}
        return
    for message in messages:
        reasons.take()
        try:
            sent = service.notify(
                title=message["title"], body=message["body"], notify_type=message["level"]
            )
        except Exception as error:
            sent, reasons.texts = False, [*reasons.texts, str(error) or type(error).__name__]
        yield {"sent": bool(sent), "reason": reasons.take()}
        if not sent:
            return


def read_url(url: str) -> tuple[apprise.NotifyBase | None, str]:
    """Return the service of a URL, or why it cannot be used."""
    scheme = url.partition("://")[0].lower()
    if scheme in LOCAL:
        return None, f"{scheme}:// acts on the registry's own machine"
    service = apprise.Apprise.instantiate(url, asset=_asset(), suppress_exceptions=True)
    if isinstance(service, apprise.NotifyBase):
        service.redirects = False  # whatever its URL says
        return service, ""
    known = apprise.NotificationManager()  # type: ignore[no-untyped-call]
    if scheme not in known:
        return None, "it is no URL of a service that apprise knows"
    if not known[scheme].enabled:
        return None, f"{scheme}:// needs packages that are not installed here"
    return None, f"a part of the {scheme}:// URL is missing or wrong"


def _asset() -> apprise.AppriseAsset:
    return apprise.AppriseAsset(
        app_id="Agent registry",
        app_desc="Agent registry",
        app_url="",
        async_mode=False,
        http_redirects=False,
        allow_templates=False,
        pgp_autogen=False,
        pem_autogen=False,
    )


def _code_folders() -> list[str]:
    """Not the project's own, which has the keys."""
    return [sys.prefix, sys.base_prefix, str(Path(certifi.where()).parent)]


if __name__ == "__main__":
    main()
