"""Sends by apprise, in a process of its own: see `apprise_process`."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from agents.models import Delivery
from agents.notifications.channels.secrets import Keys
from agents.notifications.channels.sender import Sender
from agents.notifications.delivery.outcomes import Outcome, Verdict
from agents.notifications.events import level_of
from agents.notifications.messages import as_text
from agents.outbound.networks import Networks
from agents.states import Level

PROGRAM = "agents.notifications.channels.apprise_process"
SECONDS = 20.0  # for a batch
LEVELS = {Level.OK: "success", Level.WARN: "warning", Level.BAD: "failure"}
OTHERS = "info"
# Certificates, as for webhooks; no proxies.
PASSED_ON = {"PATH": "PATH", "SSL_CERT_FILE": "REQUESTS_CA_BUNDLE"}


class AppriseSender(Sender):
    batch_size = 5

    def send_with(
        self,
        keys: Keys,
        deliveries: Sequence[Delivery],
        now: datetime,  # noqa: ARG002 - of signatures
    ) -> Sequence[Outcome]:
        results = run(keys.url, [_message(one) for one in deliveries], self.networks)
        return [_outcome(one) for one in results]


def run(
    url: str, messages: Sequence[Mapping[str, str]], networks: Networks
) -> list[dict[str, Any]]:
    """Return whether each message was `sent`, and the `reason` why not, up to the first failure."""
    output, problem = _run({"url": url, "messages": messages, "networks": networks.words})
    results = _results(output)
    if problem and len(results) < len(messages):
        results.append({"sent": False, "reason": problem})
    return results


def describe_url(url: str) -> tuple[str, str]:
    """Return a URL without its secrets, and why it cannot be used. Sends nothing."""
    output, problem = _run({"url": url, "messages": None, "networks": []})
    for result in _results(output):
        return result["shown"], result["reason"]
    return "", problem or "apprise does not answer"


def _run(job: Mapping[str, Any]) -> tuple[str, str]:
    """Return the output, and why the process failed."""
    try:
        done = subprocess.run(
            [sys.executable, "-B", "-m", PROGRAM],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            cwd=settings.BASE_DIR,
            env={ours: os.environ[name] for name, ours in PASSED_ON.items() if name in os.environ},
        )
    except subprocess.TimeoutExpired as error:
        output = error.stdout.decode() if isinstance(error.stdout, bytes) else ""
        return output, f"no answer within {SECONDS:g} s"
    last = done.stderr.strip().rpartition("\n")[2]
    return done.stdout, f"apprise failed: {last}" if done.returncode else ""


def _results(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def _message(delivery: Delivery) -> dict[str, str]:
    text = as_text(delivery.type, delivery.body)
    level = level_of(delivery.type)
    return {
        "title": text.title,
        "body": text.body,
        "level": LEVELS.get(level, OTHERS) if level else OTHERS,
    }


def _outcome(result: Mapping[str, Any]) -> Outcome:
    if result["sent"]:
        return Outcome(Verdict.DELIVERED, "sent")
    return Outcome.failed(result["reason"] or "the service did not take it")
