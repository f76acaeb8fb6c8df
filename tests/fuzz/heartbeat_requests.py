"""Heartbeats and requests that nearly are: what the fast path takes, and almost takes.

`TOKEN` is a placeholder with the length of a real token; the sender replaces it.
"""

import json
from collections.abc import Callable
from random import Random

from tests.fuzz import hostile
from tests.fuzz import http_oddities as odd
from tests.fuzz.http_requests import Request, spoilt

AGENTS = ("paths-1", "paths-2")
TOKEN = b"T" * 45
TOKENS = [
    TOKEN,
    TOKEN,
    TOKEN,
    TOKEN + b" ",
    b"\t" + TOKEN,
    TOKEN.lower(),
    TOKEN[:-1],
    TOKEN + b"=",
    b"",
    b"1",
    b"1.",
    b"0." + b"x" * 43,
    b"9" * 19 + b".x",
    b"9" * 20 + b".x",
    b"\xff",
]
HOSTS = [b"x", b"X.example:80", b"[::1]:9000", b"", b"a b", b"x,y", b"x\t", b"..", b"-", b"h:99999"]
ACCEPTS = [
    b"*/*",
    b"application/json",
    b"APPLICATION/JSON",
    b"application/json, text/plain, */*",
    b"text/html",
    b"text/plain",
    b"application/*",
    b"*/*;q=0.5",
    b"application/json;q=0",
    b"",
    b",",
    b"application/json,",
    b", */*",
    b"*/*,*/*",
    b"application/json, image/png",
    b"*",
    b"application/json; indent=2",
    b"text/html, application/json",
    b"text/*, */*",
]
TYPES = [
    b"application/json",
    b"Application/JSON",
    b"application/json; charset=utf-8",
    b"application/json;charset=utf-8",
    b"application/json; charset=UTF-8",
    b"text/plain",
    b"",
    b"application/json; charset=utf-16",
    b"application/json, text/plain",
    b"application/json;",
    b"application/x-www-form-urlencoded",
    b"multipart/form-data; boundary=x",
    b"*/*",
]
CONNECTIONS = [
    b"close",
    b"keep-alive",
    b"Keep-Alive",
    b"CLOSE",
    b"",
    b"close, keep-alive",
    b"upgrade",
    b"keep-alive, Upgrade",
    b"lease-token",
    b"content-length",
    b"host",
    b"x",
]
OTHERS = [
    (b"Cookie", b"sessionid=x"),
    (b"Cookie", b""),
    (b"Authorization", b"Bearer x"),
    (b"X-Forwarded-For", b"1.2.3.4"),
    (b"X-Forwarded-Proto", b"https"),
    (b"Expect", b"x"),
    (b"Upgrade", b"h2c"),
    (b"HTTP2-Settings", b"x"),
    (b"Content-Encoding", b"gzip"),
    (b"Transfer-Encoding", b""),
    (b"TE", b"trailers"),
    (b"Trailer", b"x"),
    (b"Lease_Token", b"x"),
    (b"Content_Length", b"9"),
    (b"X-HTTP-Method-Override", b"GET"),
    (b"Script-Name", b"/agents"),
    (b"X-A", b'"q" \\ ;'),
    (b"X-A", b"\xe4"),
    (b"X-A", b"a\tb"),
    (b"X-A", b"\x7f"),
    (b"", b"x"),
    (b"User-Agent", b"agent/1"),
    (b"Accept-Encoding", b"gzip, deflate"),
    (b"Origin", b"null"),
    (b"If-Match", b"*"),
    (b"If-None-Match", b"*"),
    (b"Range", b"bytes=0-1"),
    (b"Via", b"1.1 x"),
]
PATHS = [
    b"/agents/%s/heartbeat",
    b"/agents/%s/heartbeat/",
    b"/agents/%s/heartbeat?",
    b"//agents/%s/x",
    b"/agents/%s/heartbeat?format=json",
    b"/agents/%s/heartbeat#x",
    b"/agents/%s//heartbeat",
    b"/agents/%s/heartbeat//",
    b"/agents/%s/Heartbeat",
    b"/agents/%s/heartbeat;x",
    b"//%s",
    b"/agents/%s%%31/heartbeat",
    b"/agents/../agents/%s/heartbeat",
    b"http://x/agents/%s/heartbeat",
    b"/agents/%s/heartbeat%%20",
    b"/agents/%s /heartbeat",
    b"agents/%s/heartbeat",
]
IDS = [
    b".",
    b"..",
    b"register",
    b"heartbeat",
    b"nobody",
    b"a:b",
    b"A" * 255,
    b"A" * 256,
    b"%41",
    b"",
]
REPORTS = [
    "",
    "{}",
    " {}",
    "{} ",
    "[]",
    "null",
    '""',
    '{"note":""}',
    '{"note":" x"}',
    '{"load":-0.0}',
    '{"load":1}',
    '{"load":true}',
    '{"load":1.0000001}',
    '{"load":"0.5"}',
    '{"load":null}',
    '{"status":"ready"}',
    '{"status":"READY"}',
    '{"status":[]}',
    '{"status":null}',
    '{"x":1}',
    '{"note":"a\\u0000"}',
    '{"note":"\\ud800"}',
    '{"note":"\\u2028"}',
    '{"note":7}',
    '{"note":[]}',
    '{"load":0.5,"load":0.5}',
    '{"load":NaN}',
    '{"load":1e999}',
    '{"load":5e-324}',
    "{",
    "{}{}",
    '{"note":"' + "x" * 256 + '"}',
    '{"note":"' + "x" * 257 + '"}',
    '{"status":"busy","load":0.25,"note":"caf\u00e9"}',
]


def make(random: Random) -> list[bytes]:
    """Return the pieces that one connection sends."""
    count = random.choice([1, 1, 1, 2, 4])
    return spoilt(random, count, _one_or_many, SPOILERS, garbling=0.15, cutting=0.05)


def _one_or_many(random: Random) -> Request:
    return _many(random) if random.random() < 0.25 else _one(random)


def _one(random: Random) -> Request:
    agent_id = random.choice(AGENTS).encode()
    headers = [(b"Host", b"x")]
    if random.random() < 0.7:
        headers.append((b"Lease-Token", TOKEN))
    body = random.choice(REPORTS).encode() if random.random() < 0.6 else b""
    if body:
        headers.append((b"Content-Type", b"application/json"))
    return Request(b"POST", b"/agents/%s/heartbeat" % agent_id, headers=headers, body=body)


def _many(random: Random) -> Request:
    token = TOKEN.decode()
    leases: list[object] = []
    for _ in range(random.choice([0, 1, 2, 3])):
        lease: dict[str, object] = {"agent_id": random.choice([*AGENTS, *AGENTS, "nobody", "", 7])}
        if random.random() < 0.7:
            lease["lease_token"] = random.choice([token, token, "", "1.x", "\u00e4", 7, None])
        if random.random() < 0.05:
            lease["note"] = "x"
        leases.append(lease)
    if random.random() < 0.1:
        leases.append(random.choice([None, [], 7, "x", {}]))
    body: object = {"agents": leases}
    if random.random() < 0.1:
        body = random.choice([leases, {"agents": None}, {"agents": leases, "x": 1}, {}])
    headers = [(b"Host", b"x"), (b"Content-Type", b"application/json")]
    return Request(b"POST", b"/agents/heartbeat", headers=headers, body=json.dumps(body).encode())


# --- Mutations ------------------------------------------------------------------------------


def spoil_the_token(random: Random, made: Request) -> None:
    made.headers = [pair for pair in made.headers if pair[0] != b"Lease-Token"]
    for _ in range(random.choice([1, 1, 1, 2])):
        name = random.choice([b"Lease-Token", b"lease-token", b"Lease-token", b"LEASE-TOKEN"])
        made.headers.append((name, random.choice(TOKENS)))


def spoil_a_name(random: Random, made: Request) -> None:
    """Change its case, or put spaces or other characters around or into it."""
    _change_a_header(
        random,
        made,
        lambda name, value: [
            (odd_name, value)
            for odd_name in (
                name.upper(),
                name.lower(),
                name + b" ",
                b" " + name,
                name + b"\t",
                b"\t" + name,
                name + b"\0",
                name.replace(b"-", b"_"),
                name + b"\r",
                b"\x0b" + name,
                b'"%s"' % name,
            )
        ],
    )


def spoil_a_value(random: Random, made: Request) -> None:
    """Put spaces around it, line ends into it, or repeat it."""
    _change_a_header(
        random,
        made,
        lambda name, value: [
            (name, odd_value)
            for odd_value in (
                b" " + value,
                b"\t" + value,
                value + b" ",
                value + b" \t ",
                value + b"\r\n " + value,
                value + b"\n",
                value + b"\r",
                value + b"\0",
                value + b"\nX: y",
                value + b", " + value,
                b"",
                b"\r\n",
                b" " * 3_500 + value,
                value + b" " * 5_000,
            )
        ],
    )


def _change_a_header(
    random: Random, made: Request, changed: Callable[[bytes, bytes], list[tuple[bytes, bytes]]]
) -> None:
    """Replace one header by one of the variants that `changed` returns."""
    if made.headers:
        place = random.randrange(len(made.headers))
        made.headers[place] = random.choice(changed(*made.headers[place]))


def repeat_a_header(random: Random, made: Request) -> None:
    if made.headers:
        name, value = random.choice(made.headers)
        again = random.choice([name, name.lower(), name.upper()]), random.choice([value, b"", b"x"])
        made.headers.insert(random.randint(0, len(made.headers)), again)


def add_a_header(random: Random, made: Request) -> None:
    more = random.choice([*OTHERS, *odd.ODD_HEADERS])
    made.headers.insert(random.randint(0, len(made.headers)), more)


def set_a_header(random: Random, made: Request) -> None:
    name, values = random.choice(
        [
            (b"Host", HOSTS),
            (b"Accept", ACCEPTS),
            (b"Content-Type", TYPES),
            (b"Connection", CONNECTIONS),
        ]
    )
    made.headers = [pair for pair in made.headers if pair[0] != name]
    made.headers.append((name, random.choice(values)))


def drop_a_header(random: Random, made: Request) -> None:
    if made.headers:
        del made.headers[random.randrange(len(made.headers))]


def spoil_the_length(random: Random, made: Request) -> None:
    made.framed = True
    right = str(len(made.body)).encode()
    lengths = [right, right, b"0" + right, b"+" + right, right + b" ", b"\t" + right, *odd.LENGTHS]
    lengths += [str(len(made.body) + more).encode() for more in (-2, -1, 1, 2, 100)]
    for _ in range(random.choice([1, 1, 1, 2])):
        made.headers.append((b"Content-Length", random.choice(lengths)))


def send_in_chunks(random: Random, made: Request) -> None:
    made.framed = True
    made.headers.append((b"Transfer-Encoding", random.choice(odd.CODINGS)))
    if random.random() < 0.5:
        made.headers.append((b"Content-Length", random.choice([b"0", b"5", b"2"])))
    made.body = random.choice(odd.CHUNKS)


def spoil_the_line(random: Random, made: Request) -> None:
    which = random.randrange(4)
    if which == 0:
        made.method = random.choice([b"post", b"POST ", b" POST", b"GET", b"PUT", b"OPTIONS", b"P"])
    elif which == 1:
        made.version = random.choice([b"HTTP/1.0", b"HTTP/1.0", *odd.VERSIONS])
    elif which == 2:
        made.line_end = random.choice([b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n"])
    else:
        agent_id = random.choice([*IDS, *[name.encode() for name in AGENTS]])
        made.target = random.choice(PATHS) % agent_id


def spoil_the_body(random: Random, made: Request) -> None:
    strange = hostile.json_literal(random).encode("utf-8", "surrogatepass")
    made.body = random.choice(
        [
            strange,
            b'{"note":%s}' % strange,
            b'{"status":%s}' % strange,
            b'{"load":%s}' % strange,
            b"\xef\xbb\xbf" + made.body,
            made.body + b"\0",
            b" " * 70_000,
            made.body[:-1],
            b'{"agents":%s}' % strange,
            made.body.decode("utf-8", "replace").encode("utf-16"),
        ]
    )


SPOILERS: list[Callable[[Random, Request], None]] = [
    spoil_the_token,
    spoil_a_name,
    spoil_a_value,
    repeat_a_header,
    add_a_header,
    set_a_header,
    set_a_header,
    drop_a_header,
    spoil_the_length,
    send_in_chunks,
    spoil_the_line,
    spoil_the_body,
]
