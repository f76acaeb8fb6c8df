import base64
import hashlib
from html import escape
from pathlib import Path

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Match, Route
from starlette.types import Scope

from ..config import AgentConfig
from ..http.accept import prefers

FOLDER = Path(__file__).resolve().parent
SCRIPTS = ("output.js", "form.js", "call.js", "runs.js", "page.js")


class BrowsersRoute(Route):
    """Leaves requests that do not prefer HTML to later routes."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and prefers(Headers(scope=scope).get("accept", ""), "text/html"):
            return super().matches(scope)
        return Match.NONE, {}


def add_page(app: FastAPI, config: AgentConfig) -> None:
    body, headers = _page(config)

    async def page(_: Request) -> HTMLResponse:
        return HTMLResponse(body, headers=headers)

    app.router.routes.insert(0, BrowsersRoute("/", page, include_in_schema=False))


def _page(config: AgentConfig) -> tuple[str, dict[str, str]]:
    """Only its own script may run."""
    style = _read("page.css")
    script = "".join(map(_read, SCRIPTS))
    body = _read("page.html").format(
        name=escape(config.name),
        version=escape(config.version),
        description=escape(config.description),
        style=style,
        script=script,
    )
    policy = {
        "default-src": "'none'",
        "script-src": _hash(script),
        "style-src": _hash(style),
        "connect-src": "'self'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return body, {
        "Content-Security-Policy": "; ".join(f"{key} {value}" for key, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "Vary": "Accept",
    }


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
