"""Requests as bytes, valid and with mutations.

A request is a list of pieces (the request line, each header, the blank line, the body), from which
minimising removes some.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from urllib.parse import quote

from tests.fuzz import hostile
from tests.fuzz import http_oddities as odd
from tests.fuzz.http_oddities import Header


@dataclass
class Request:
    """A request that is being mutated. Content-Length is added unless `framed`."""

    method: bytes = b"GET"
    target: bytes = b"/"
    version: bytes = b"HTTP/1.1"
    headers: list[Header] = field(default_factory=lambda: [(b"Host", b"fuzz.example")])
    body: bytes = b""
    framed: bool = False
    line_end: bytes = b"\r\n"

    def pieces(self) -> list[bytes]:
        headers = list(self.headers)
        if self.body and not self.framed:
            headers.append((b"Content-Length", str(len(self.body)).encode()))
        end = self.line_end
        line = b" ".join([self.method, self.target, self.version]) + end
        found = [line, *(b"%s: %s%s" % (*header, end) for header in headers), end]
        return [*found, self.body] if self.body else found


def request(random: Random) -> Request:
    """Return a valid request."""
    agent_id = random.choice(odd.IDS)
    json = [(b"Host", b"fuzz.example"), (b"Content-Type", b"application/json")]
    which = random.random()
    if which < 0.35:
        fields = odd.REGISTRATION | {"agent_id": f'"{agent_id}"'}
        return Request(b"POST", b"/agents/register", headers=json, body=json_body(fields))
    path = f"/agents/{agent_id}".encode()
    if which < 0.5:
        return Request(b"POST", path + b"/heartbeat", headers=json, body=json_body(odd.HEARTBEAT))
    if which < 0.55:
        return Request(b"DELETE", path)
    return Request(b"GET", random.choice(odd.PATHS).encode())


def json_body(fields: dict[str, str]) -> bytes:
    text = ", ".join(f'"{name}": {value}' for name, value in fields.items())
    return f"{{{text}}}".encode()


# --- Mutations ------------------------------------------------------------------------------


def spoil_a_value(random: Random, made: Request) -> None:
    """Replace the value of a field, or add an unknown field."""
    register = random.random() < 0.7
    fields = dict(odd.REGISTRATION if register else odd.HEARTBEAT)
    for _ in range(random.choice([1, 1, 2])):
        strange = random.choice(["unknown", "", "\\ud800", "\\u0000", "x" * 200, "agent_id"])
        name = random.choice([*fields, strange])
        fields[name] = hostile.json_literal(random)
    made.method = b"POST"
    made.target = b"/agents/register" if register else b"/agents/fuzzed-1/heartbeat"
    made.headers = [(b"Host", b"fuzz.example"), (b"Content-Type", b"application/json")]
    made.body = json_body(fields)
    if random.random() < 0.2:
        made.body = made.body[:-1] + b', "port": 1, "status": "ready", "status": "busy"}'


def spoil_the_body(random: Random, made: Request) -> None:
    """Replace or damage the body, or change its encoding."""
    if not made.body:
        spoil_a_value(random, made)
    choices: list[Callable[[], bytes]] = [
        lambda: hostile.json_literal(random).encode("utf-8", "surrogatepass"),
        lambda: made.body[: random.randrange(len(made.body))],
        lambda: made.body.decode("utf-8", "replace").encode(random.choice(["utf-16", "utf-32"])),
        lambda: b"\xef\xbb\xbf" + made.body,
        lambda: made.body.replace(b"e", b"\xff"),
        lambda: b" " * 70_000 + made.body,
        lambda: random.randbytes(random.choice([1, 30, 3_000])),
        lambda: made.body + random.choice([b"\0", b"}", b" {}", b"\r\n\r\n"]),
        lambda: b"agent_id=a&host=b&port=1",
        lambda: b"x" * 1_000_000,
    ]
    made.body = random.choice(choices)()


def spoil_the_length(random: Random, made: Request) -> None:
    made.framed = True
    lengths = [random.choice(odd.LENGTHS) for _ in range(random.choice([1, 1, 2]))]
    if random.random() < 0.3:
        lengths.append(str(len(made.body) + random.choice([-1, 0, 1, 100])).encode())
    made.headers += [(b"Content-Length", length) for length in lengths]


def send_in_chunks(random: Random, made: Request) -> None:
    made.framed = True
    made.headers += [(b"Transfer-Encoding", random.choice(odd.CODINGS))]
    if random.random() < 0.3:
        made.headers += [(b"Content-Length", random.choice(odd.LENGTHS))]
    made.body = random.choice(odd.CHUNKS)


def spoil_the_line(random: Random, made: Request) -> None:
    which = random.randrange(3)
    if which == 0:
        made.method = random.choice(odd.METHODS)
    elif which == 1:
        made.version = random.choice(odd.VERSIONS)
    else:
        made.line_end = random.choice([b"\n", b"\r", b"\r\r\n", b"\n\r", b""])


def spoil_the_path(random: Random, made: Request) -> None:
    which = random.randrange(5)
    strange = hostile.text(random)
    if which == 0:
        made.target = b"/agents/" + quote(strange, safe="%", errors="surrogatepass").encode()
    elif which == 1:
        made.target = b"/agents/" + quote(strange, errors="surrogatepass").encode() + b"/heartbeat"
    elif which == 2:
        made.target += quote(strange, safe="/%;", errors="surrogatepass").encode()
    elif which == 3:
        made.target = b"/" + strange.encode("utf-8", "surrogatepass")
    else:
        target = random.choice(
            [b"", b"*", b"//", b"/./../agents", b"/agents//", b"http://x/agents"]
        )
        made.target = target


def add_a_query(random: Random, made: Request) -> None:
    if not made.body:
        made.target = random.choice([b"/agents", made.target])
    pairs = []
    for _ in range(random.choice([1, 1, 2, 5])):
        name, value = random.choice(odd.PARAMETERS), hostile.text(random)
        raw = random.random() < 0.15
        pairs.append(f"{name}={value if raw else quote(value, errors='surrogatepass')}")
    if random.random() < 0.3:
        cursor = random.choice(
            ["AA==", "YQBi", "_w==", "YQ", "8J+YgA==", "LQ==" * 99, "Cg==", "%00"]
        )
        pairs.append(f"cursor={cursor}")
    made.target += b"?" + "&".join(pairs).encode("utf-8", "surrogatepass")


def add_tokens(random: Random, made: Request) -> None:
    if random.random() < 0.6:
        made.headers.append((b"Lease-Token", random.choice(odd.TOKENS)))
    if random.random() < 0.6:
        scheme = random.choice(odd.SCHEMES)
        made.headers.append((b"Authorization", scheme + random.choice(odd.TOKENS)))


def add_headers(random: Random, made: Request) -> None:
    for _ in range(random.choice([1, 1, 3])):
        made.headers.insert(random.randint(0, len(made.headers)), random.choice(odd.ODD_HEADERS))
    if random.random() < 0.05:
        made.headers += [(b"X-%d" % number, b"x") for number in range(random.choice([99, 1_000]))]


def spoil_the_headers(random: Random, made: Request) -> None:
    which = random.randrange(4)
    if which == 0:
        made.headers = [(b"Host", random.choice(odd.HOSTS)), *made.headers[1:]]
    elif which == 1:
        made.headers = made.headers[1:]
    elif which == 2:
        made.headers.append((b"Content-Type", random.choice(odd.TYPES)))
    else:
        made.headers.append((b"Accept", random.choice(odd.ACCEPTS)))


SPOILERS: list[Callable[[Random, Request], None]] = [
    spoil_a_value,
    spoil_a_value,
    spoil_the_body,
    spoil_the_length,
    send_in_chunks,
    spoil_the_line,
    spoil_the_path,
    add_a_query,
    add_tokens,
    add_headers,
    spoil_the_headers,
]


def garbled(random: Random, pieces: list[bytes]) -> list[bytes]:
    """Change some bytes anywhere."""
    found = [bytearray(piece) for piece in pieces]
    for _ in range(random.choice([1, 2, 8])):
        piece = random.choice(found)
        at = random.randint(0, len(piece))
        action = random.randrange(4)
        if action == 0:
            piece[at:at] = random.choice([b"\0", b"\r\n", b"\xff", b":", b" ", b"\n", b"A" * 70])
        elif action == 1:
            del piece[at : at + random.choice([1, 2, 9])]
        elif action == 2 and at < len(piece):
            piece[at] ^= 1 << random.randrange(8)
        else:
            found.insert(random.randrange(len(found)), bytearray(random.choice(found)))
    return [bytes(piece) for piece in found]


def cut(random: Random, pieces: list[bytes]) -> list[bytes]:
    """Cut the pieces off at a random position."""
    left = random.randrange(sum(map(len, pieces)) or 1)
    found = []
    for piece in pieces:
        found.append(piece[:left])
        left -= len(found[-1])
        if left <= 0:
            break
    return found


def spoilt(
    random: Random,
    count: int,
    make_one: Callable[[Random], Request],
    spoilers: Sequence[Callable[[Random, Request], None]],
    *,
    garbling: float,
    cutting: float,
) -> list[bytes]:
    """Return the pieces that one connection sends: `count` requests with mutations.

    `garbling` and `cutting` are the shares of connections whose bytes are changed, too.
    """
    pieces: list[bytes] = []
    for _ in range(count):
        made = make_one(random)
        for _ in range(random.choice([0, 1, 1, 1, 2, 3])):
            random.choice(spoilers)(random, made)
        pieces += made.pieces()
    which = random.random()
    if which < garbling:
        pieces = garbled(random, pieces)
    elif which < garbling + cutting:
        pieces = cut(random, pieces)
    return [piece for piece in pieces if piece]


def make(random: Random) -> list[bytes]:
    """Return the pieces that one connection sends."""
    if random.random() < 0.03:
        return [random.choice(odd.STRANGERS)]
    count = random.choice([1, 1, 1, 1, 1, 1, 2, 5])
    return spoilt(random, count, request, SPOILERS, garbling=0.10, cutting=0.06)
