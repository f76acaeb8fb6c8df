"""GET and POST requests to the admin's pages by a superuser."""

import re
import traceback
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from random import Random
from typing import Any
from urllib.parse import quote

from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from agents import leases
from agents.models import AccessToken, AgentEvent, AgentRecord, Channel, Delivery, Mute, Rule
from tests.fuzz import hostile

STAFF = "fuzzer"
GET, POST = b"GET", b"POST"
# Logging out would disturb the other inputs.
EXCLUDED = ("admin:logout",)
PARAMETERS = [
    "q",
    "p",
    "o",
    "all",
    "e",
    "_popup",
    "_to_field",
    "_changelist_filters",
    "_facets",
    "next",
    "tag",
    "skill",
    "version",
    "host",
    "liveness",
    "condition",
    "name",
    "meta",
    "format",
    "app_label",
    "model_name",
    "field_name",
    "term",
    "page",
    "id",
    "pk",
]
LOOKUPS = ["", "__exact", "__in", "__gte", "__lt", "__isnull", "__contains", "__regex", "__year"]
POSTED = [
    "action",
    "index",
    "_selected_action",
    "select_across",
    "confirmed",
    "from_agent",
    "post",
    "reason",
    "query",
    "name",
    "_save",
    "_continue",
    "_addanother",
    "_popup",
    "_to_field",
    "_saveasnew",
    "username",
    "password",
    "password1",
    "password2",
    "old_password",
    "new_password1",
    "usable_password",
]
NO_ACTIONS = ["", "nothing", "drain\0", "issue"]
# Names of fields of any model, for the parameters that take one.
FIELDS = ["", "id", "pk", "agent_id", "username", "password", "groups", "logentry", "__class__"]


# The id of one record of each model, far beyond the ids of new ones.
KNOWN_ID = 1_000_000
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FAR_AHEAD = datetime(2120, 1, 1, tzinfo=UTC)
# Required fields by model.
REQUIRED: dict[Any, dict[str, Any]] = {
    AgentEvent: {"agent_id": "agent-1", "kind": AgentEvent.Kind.REGISTERED, "at": LONG_AGO},
    AccessToken: {"name": "known", "key": "known", "created_at": LONG_AGO},
    Channel: {"name": "known", "kind": Channel.Kind.WEBHOOK, "created_at": LONG_AGO},
    Delivery: {"channel_id": KNOWN_ID, "created_at": LONG_AGO},
    Mute: {"agent_id": "agent-1", "problem": "degraded", "muted_at": LONG_AGO, "until": FAR_AHEAD},
    Rule: {"name": "known", "begins_after": 0},
    User: {"username": "known"},
    Group: {"name": "known"},
    AccessAttempt: {"failures_since_start": 1},
}


class AdminPages:
    """Pieces: the method, the path, and alternating names and values of the data."""

    name = "admin"

    def __init__(self) -> None:
        self._client = Client(raise_request_exception=False)
        self.paths = list(_paths())
        self._fields: dict[str, list[str]] = {}

    def make(self, random: Random) -> Sequence[bytes]:
        if random.random() < 0.2:
            return _action(random)
        path = random.choice(self.paths)
        while "{}" in path:
            path = path.replace("{}", quote(_identifier(random), safe=""), 1)
        posted = random.random() < 0.45
        names = POSTED + self._form(path) if posted else [*PARAMETERS, *_lookups(random, path)]
        pairs: list[bytes] = []
        for _ in range(random.choice([0, 1, 1, 2, 3, 8] if not posted else [1, 3, 8, 20])):
            name = random.choice(names)
            value = _value(random, name)
            pairs += [name.encode(), value.encode()]
        return [POST if posted else GET, path.encode(), *pairs]

    def check(self, pieces: Sequence[bytes]) -> str | None:
        if len(pieces) < 2 or pieces[0] not in (GET, POST) or not pieces[1].startswith(b"/"):
            return None  # a remainder of an input that is being minimised
        texts = [piece.decode() for piece in pieces]
        data: dict[str, list[str]] = {}
        for name, value in zip(texts[2::2], texts[3::2], strict=False):
            data.setdefault(name, []).append(value)
        answer = self._send(texts[0], texts[1], data)
        if answer.status_code < 500:
            return None
        return f"{answer.status_code} {texts[0]} {texts[1]}: {_raised(answer)}"

    def check_health(self) -> str | None:
        """Check that the main pages still work."""
        for path in ("/admin/", "/admin/agents/agentrecord/", "/admin/agents/agentevent/"):
            answer = self._send("GET", path, {})
            if answer.status_code != 200:
                return f"{path} is answered with {answer.status_code}"
        return None

    def _send(self, method: str, path: str, data: dict[str, list[str]]) -> HttpResponseBase:
        self._log_in()
        send = self._client.post if method == "POST" else self._client.get
        return send(path, data)

    def _log_in(self) -> None:
        """Restore the user, the session and the records that earlier inputs may have removed."""
        user = User.objects.filter(username=STAFF, is_superuser=True, is_staff=True, is_active=True)
        if not user.exists() or "_auth_user_id" not in self._client.session:
            allowed = {"is_staff": True, "is_superuser": True, "is_active": True, "password": "!"}
            again, _ = User.objects.update_or_create(username=STAFF, defaults=allowed)
            self._client.force_login(again)
        if not AgentRecord.objects.filter(pk="agent-1").exists():
            leases.register(agent_id="agent-1", host="h", port=1, tags=["<b>"], ttl_seconds=1)
        for model in admin.site._registry:
            if model is not AgentRecord and not model._default_manager.filter(pk=KNOWN_ID).exists():
                model._default_manager.create(pk=KNOWN_ID, **REQUIRED.get(model, {}))

    def _form(self, path: str) -> list[str]:
        """Return the names of the fields of the forms on a page."""
        if path not in self._fields and len(self._fields) < 500:
            answer = self._send("GET", path, {})
            found = _Fields()
            if "html" in answer.headers.get("Content-Type", "") and not answer.streaming:
                found.feed(getattr(answer, "content", b"").decode("utf-8", "replace"))
            self._fields[path] = sorted(set(found.names))
        return self._fields.get(path, [])


class _Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = dict(attrs).get("name")
        if tag in ("input", "select", "textarea", "button") and name:
            self.names.append(name)


def _paths() -> Iterator[str]:
    """Yield the path of every page of the admin, with {} for each parameter."""
    for found in get_resolver().url_patterns:
        if isinstance(found, URLResolver) and found.app_name == "admin":
            yield from sorted(_below(found, f"/{found.pattern}"))


def _below(resolver: URLResolver, start: str) -> Iterator[str]:
    for found in resolver.url_patterns:
        if isinstance(found, URLResolver):
            yield from _below(found, f"{start}{found.pattern}")
        elif isinstance(found.pattern, RoutePattern):
            if f"admin:{found.name}" not in EXCLUDED:
                yield start + re.sub(r"<[^>]*>", "{}", str(found.pattern))
        elif found.name == "app_list":
            yield from {f"{start}{model._meta.app_label}/" for model in admin.site._registry}
        else:
            yield start + "{}"


def _action(random: Random) -> Sequence[bytes]:
    """Return an input that posts an action of a list with random selections."""
    model = random.choice(list(admin.site._registry))
    model_admin: Any = admin.site.get_model_admin(model)
    names = [name for _, name, _ in model_admin._get_base_actions()]
    fields = ["_selected_action"] * 3 + ["select_across", "index", "confirmed", "post", "reason"]
    given = ["action", *random.choices(fields, k=random.choice([1, 2, 4]))]
    pairs: list[str] = []
    for field in given:
        is_known = field == "action" and random.random() < 0.9
        value = random.choice([*names, "delete_selected"]) if is_known else _value(random, field)
        pairs += [field, value]
    path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    return [POST, path.encode(), *(text.encode() for text in pairs)]


def _identifier(random: Random) -> str:
    known = [
        "agent-1",
        str(KNOWN_ID),
        str(KNOWN_ID),
        "1",
        "agents",
        "auth",
        "user",
        "agent_2D1",
        "99999999999999999999",
    ]
    return random.choice(known) if random.random() < 0.6 else hostile.encodable(random)


def _lookups(random: Random, path: str) -> list[str]:
    """Return parameters that filter a list."""
    models = list(admin.site._registry)
    shown = [model for model in models if f"/{model._meta.model_name}/" in path]
    names = [field.name for field in random.choice(shown or models)._meta.get_fields()]
    return [f"{random.choice(names)}{random.choice(LOOKUPS)}" for _ in range(20)]


def _value(random: Random, name: str) -> str:
    if name == "action" and random.random() < 0.8:
        return random.choice(NO_ACTIONS)
    if name in ("_to_field", "_popup", "field_name") and random.random() < 0.7:
        return random.choice(FIELDS)
    if name in ("_selected_action", "from_agent") and random.random() < 0.6:
        return random.choice(["agent-1", "1", str(KNOWN_ID)])
    if name in ("o", "p", "index", "id", "pk") and random.random() < 0.5:
        return random.choice(["1", "-1", "0", "1.-2.3", "99", "-", ".", "1..2", "٣", "1e9"])
    if name.startswith(("_", "is_", "may_")) and random.random() < 0.5:
        return random.choice(["1", "on", "true"])
    return hostile.encodable(random)


def _raised(answer: Any) -> str:
    """Return the exception, which the test client keeps, and where it was raised."""
    if getattr(answer, "exc_info", None) is None:
        return "nothing was raised"
    error = answer.exc_info[1]
    last = traceback.extract_tb(answer.exc_info[2])[-1]
    return f"{type(error).__name__}: {str(error)[:200]} ({last.filename}:{last.lineno})"
