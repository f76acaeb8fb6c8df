"""A small OpenID provider: discovery, keys, codes with PKCE, signed tokens, userinfo, sign-out."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, CLIENT_SECRET = "registry", "only for tests"
KEY_ID = "key-1"


@dataclass
class Person:
    subject: str
    claims: dict[str, Any]


@dataclass
class Provider:
    """`people`: by user name. `forged` replaces claims of ID tokens; None leaves one out."""

    url: str
    people: dict[str, Person] = field(default_factory=dict)
    signed_in: str = ""
    forged: dict[str, Any] = field(default_factory=dict)
    in_userinfo_only: set[str] = field(default_factory=set)
    userinfo_subject: str = ""
    signing_key: Any = None
    algorithm: str = "RS256"
    requests: list[str] = field(default_factory=list)
    codes: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    access_tokens: dict[str, str] = field(default_factory=dict)
    ended: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.signing_key = self.key

    def add(self, name: str, *groups: str, **claims: Any) -> Person:
        known = {"preferred_username": name, "email": f"{name}@example.com", "groups": [*groups]}
        self.people[name] = Person(f"subject-of-{name}", known | claims)
        return self.people[name]

    def description(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "end_session_endpoint": f"{self.url}/sign-out",
        }

    def keys(self) -> dict[str, Any]:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": KEY_ID, "alg": "RS256", "use": "sig"}]}

    def code_for(self, name: str, query: dict[str, str]) -> str:
        code = secrets.token_urlsafe()
        self.codes[code] = (name, query)
        return code

    def tokens(self, form: dict[str, str]) -> dict[str, Any] | None:
        """None: refused. A code is good once, for its client, address and PKCE challenge."""
        name, asked = self.codes.pop(form.get("code", ""), ("", {}))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        is_right = (
            name
            and (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
            and form.get("redirect_uri") == asked["redirect_uri"]
            and asked.get("code_challenge_method") == "S256"
            and asked["code_challenge"] == challenge
        )
        if not is_right:
            return None
        access_token = secrets.token_urlsafe()
        self.access_tokens[access_token] = name
        return {"access_token": access_token, "id_token": self.id_token(name, asked["nonce"])}

    def id_token(self, name: str, nonce: str) -> str:
        person, now = self.people[name], int(time.time())
        claims = {k: v for k, v in person.claims.items() if k not in self.in_userinfo_only}
        claims |= {"iss": self.url, "sub": person.subject, "aud": CLIENT_ID, "nonce": nonce}
        claims |= {"iat": now, "exp": now + 300} | self.forged
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, self.signing_key, algorithm=self.algorithm, headers={"kid": KEY_ID})

    def userinfo(self, access_token: str) -> dict[str, Any]:
        person = self.people[self.access_tokens[access_token]]
        return {**person.claims, "sub": self.userinfo_subject or person.subject}


PAGE = """<!DOCTYPE html><html lang="en"><title>Company</title><h1>Company sign-in</h1>
<form method="post"><label>Name <input name="name"></label>
<button name="query" value="{query}">Continue</button></form></html>"""


class Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.provider.requests.append(parts.path)
        if parts.path == "/.well-known/openid-configuration":
            self._send_json(self.provider.description())
        elif parts.path == "/keys":
            self._send_json(self.provider.keys())
        elif parts.path == "/userinfo":
            token = self.headers["Authorization"].removeprefix("Bearer ")
            self._send_json(self.provider.userinfo(token))
        elif parts.path == "/authorize" and self.provider.signed_in:
            self._send_back(self.provider.signed_in, query)
        elif parts.path == "/authorize":
            quoted = parts.query.replace("&", "&amp;")
            self._send(200, PAGE.format(query=quoted).encode(), "text/html")
        elif parts.path == "/sign-out":
            self.provider.ended.append(query)
            self.provider.signed_in = ""
            self._redirect(query["post_logout_redirect_uri"])
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        if self.path == "/token":
            tokens = self.provider.tokens(form)
            self._send_json(tokens or {"error": "invalid_grant"}, 200 if tokens else 400)
        else:
            query = {name: values[0] for name, values in parse_qs(form["query"]).items()}
            self.provider.signed_in = form["name"]
            self._send_back(form["name"], query)

    def log_message(self, format: str, *_args: Any) -> None:  # noqa: A002
        pass

    def _send_back(self, name: str, query: dict[str, str]) -> None:
        code = self.provider.code_for(name, query)
        self._redirect(
            f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"
        )

    def _redirect(self, url: str) -> None:
        self.send_response(302)
        self.send_header("Location", url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send_json(self, value: Any, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def openid_provider() -> Iterator[Provider]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = Provider(f"http://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass = type("OwnHandler", (Handler,), {"provider": provider})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
