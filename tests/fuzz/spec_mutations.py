"""Nearly valid specs, and some that are not even YAML."""

import copy
import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import yaml

from tests.fuzz import hostile

OPTION = b"option "
PROJECT = Path(__file__).parents[2]
EXAMPLES = [
    path.read_text(encoding="utf-8") for path in sorted([*PROJECT.glob("examples/*/agent.yaml")])
]
FULL: dict[str, Any] = {
    "name": "an-agent",
    "description": "Does all.",
    "version": "1.0.0",
    "agent_id": "an-agent-1",
    "port": 8001,
    "handler": "handler:handle",
    "inputs": [
        {"name": "text", "type": "string", "default": "a", "description": "What."},
        {"name": "more", "type": "object", "default": {"a": [1, None, "b"]}},
        {"name": "many", "type": "array", "required": True},
    ],
    "outputs": [{"name": "out", "type": "number", "description": "What comes."}],
    "skills": [
        {"id": "s", "name": "S", "description": "d", "tags": ["a"], "examples": ["Do it."]},
    ],
    "tags": ["a", "b"],
    "requirements": ["numpy>=2", "a[b]==1; python_version > '3'"],
    "environment": ["PLAIN", {"name": "WITH", "value": "v", "description": "w"}],
    "secrets": ["A_KEY"],
    "dependencies": ["http://model:8080/health", "db:5432"],
    "sync_timeout": 5,
    "max_jobs": 3,
    "a2a_0_3": False,
    "page": True,
    "registry": {"url": "http://reg:9000", "ttl_seconds": 30, "heartbeat_interval": 5},
    "base_image": "python:3.13-slim",
    "slim": True,
}
FREE_TEXT = ("description", "value", "default")
# Text that is code in some generated file.
INJECTIONS = [
    '"\nRUN id',
    "a\nRUN id\n",
    "\\\nRUN id",
    "$(id)",
    "`id`",
    "${PATH}",
    "'; id #",
    '" && id "',
    "x\r\nFROM evil",
    "a\u2028b",
    "a\x85RUN id",
    "{{ 7*7 }}",
    "{% raw %}",
    "{#",
    "--flag",
    "-x",
    "a: b",
    "- a",
    "# a",
    "!!python/object:os.system",
    "&a *a",
    "|",
    ">",
    "%YAML 9",
    "...",
    "---",
    '"""',
    "'''",
    '\\"',
    "\\N{NULL}",
    "\\x00",
    "$$",
    "$$(id)",
    "<script>",
    "](http://e)",
    "*/",
    "true",
    "no",
    "017",
    "1e3",
    "2026-01-01",
    "0x1F",
    "~",
    ".inf",
    "12:30:45",
    "=",
    "<<",
]
DOCUMENTS = [
    "",
    " ",
    "\n",
    "#",
    "---\n---\n",
    "null",
    "[]",
    "a",
    "name: a\nname: b\n",
    "name:\n",
    "{",
    "&a [*a]",
    "a: &a {b: *a}",
    "name: !!python/object/apply:os.system [id]\n",
    "\tname: a\n",
    "&a [" + "x," * 50 + "]\n",
    "name: a\nx: &x [1]\ny: *x\n",
    "[" * 5_000,
    "- " * 5_000,
    "? [a]\n: b\n",
    "<<: {name: a}\n",
    "name: a\0b\n",
    "\ufeffname: a\n",
    "%TAG ! x\n---\na\n",
    "name: &n a\nagent_id: *n\n",
    "name: a\n...\nname: b\n",
    "name: " + "a" * 70_000,
    "name: *b",
    "a: &a [x,x]\n" + "".join(f"{b}: &{b} [*{a},*{a}]\n" for a, b in pairwise("abcdefghijklmn")),
]
NUMBERS = [
    0,
    -1,
    1,
    1023,
    1024,
    65_535,
    65_536,
    10**30,
    0.1,
    -0.5,
    1e308,
    float("inf"),
    float("nan"),
    True,
    None,
    "8000",
    86_400,
    86_401,
    2**63,
]
OUTPUTS = [
    "out",
    "a/b/c",
    "./out/",
    "../beside",
    "spec",
    "canary",
    "canary/x",
    "",
    ".",
    "..",
    "a b",
    "-x",
    "$(id)",
    "\n",
    "A" * 300,
    "\udcff",
    "\u00e4",
    "spec/../out",
    "spec/agent.yaml",
]
URLS = [
    "http://reg:9000",
    "http://[::1]:9000",
    "https://r/x",
    "http://",
    "http://a:b@c",
    "ftp://x",
    "http://r:99999",
    "http://[::1",
    "http://r?q",
    "http://r/$(id)",
    'http://r/"',
    "http://r/\n",
    "http://r/'",
    "http://localhost:9000/",
    "javascript:x",
    "",
    "http://r:0",
    "http://\u0435",
]
OPTIONS: list[Callable[[Random], str]] = [
    lambda _: "--dry-run",
    lambda _: "--force",
    lambda _: "--no-registry",
    lambda random: f"--output={random.choice(OUTPUTS)}",
    lambda random: f"--port={random.choice(NUMBERS)}",
    lambda random: f"--ttl={random.choice(NUMBERS)}",
    lambda random: f"--heartbeat-interval={random.choice(NUMBERS)}",
    lambda random: f"--agent-id={hostile.text(random)}",
    lambda random: f"--description={random.choice(INJECTIONS)}{hostile.text(random)}",
    lambda random: f"--registry-url={random.choice(URLS)}",
]


def make(random: Random) -> list[bytes]:
    """Return the options, and the lines of the spec."""
    pieces: list[bytes] = []
    for _ in range(random.choice([0, 0, 0, 1, 1, 3])):
        # No system passes NUL to a command.
        option = random.choice(OPTIONS)(random).replace("\0", "")
        pieces.append(OPTION + option.encode("utf-8", "surrogatepass"))
    which = random.random()
    if which < 0.08:
        text = random.choice(DOCUMENTS)
    elif which < 0.25:
        text = _with_odd_lines(random, random.choice(EXAMPLES))
    else:
        text = _with_odd_values(random)
    content = text.encode("utf-8", "surrogatepass")
    if random.random() < 0.08 and content:
        at = random.randrange(len(content))
        odd = random.choice([b"\xff", b"\0", b"\x85", b"\xed\xa0\x80", b"\t", b"'", b'"', b"\r"])
        content = content[:at] + odd + content[at + random.choice([0, 1]) :]
    return [*pieces, *content.splitlines(keepends=True)]


def _with_odd_lines(random: Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    for _ in range(random.choice([1, 1, 3])):
        at = random.randrange(len(lines))
        lines[at] = _odd_line(random, lines[at])
    return "".join(lines)


def _odd_line(random: Random, line: str) -> str:
    key, value = line.partition(":")[0], random.choice(INJECTIONS)
    return random.choice(
        [
            line + line,
            "",
            f"  {line}",
            line.replace(":", "", 1),
            f"{line.rstrip()} {value}\n",
            f"{key}: {value}\n",
            f"{key}: {hostile.text(random)}\n",
        ]
    )


def _with_odd_values(random: Random) -> str:
    """Change values of a complete spec, mostly text to other text, so that many are accepted."""
    spec = copy.deepcopy(FULL)
    for name in random.sample(list(FULL)[1:], random.choice([0, 0, 5, 15])):
        del spec[name]
    for _ in range(random.choice([1, 1, 2, 4])):
        which = random.random()
        places = [place for place in _places(spec) if which > 0.7 or _is_free_text(*place)]
        if places:
            inside, key = random.choice(places)
            odd = _odd_text(random, inside[key]) if which < 0.85 else _odd_value(random)
            inside[key] = odd
    if random.random() < 0.05:
        spec[hostile.text(random)] = _odd_value(random)
    if random.random() < 0.5:
        return json.dumps(spec, ensure_ascii=random.random() < 0.5, indent=1)
    return str(yaml.safe_dump(spec, sort_keys=False, allow_unicode=random.random() < 0.5))


def _is_free_text(inside: Any, key: Any) -> bool:
    """Return whether a place may hold nearly any text."""
    is_listed = isinstance(inside, list) and "numpy>=2" not in inside and "A_KEY" not in inside
    return isinstance(inside[key], str) and (is_listed or key in FREE_TEXT)


def _odd_text(random: Random, text: object) -> str:
    more = random.choice(INJECTIONS)
    odd = random.choice([more, hostile.text(random)])
    return random.choice([odd, f"{text}{odd}", f"{odd}{text}", f"{odd} {more}"])


def _odd_value(random: Random) -> Any:
    many = random.choice([0, 2, 65])
    return random.choice(
        [
            random.choice(NUMBERS),
            hostile.text(random),
            copy.deepcopy(random.choice(list(FULL.values()))),
            [hostile.text(random) for _ in range(many)],
            [[[[]]]],
            {hostile.text(random): hostile.text(random)},
        ]
    )


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place of a structure: its container, and its key or index."""
    entries: Any = []
    if isinstance(value, dict):
        entries = value.items()
    elif isinstance(value, list):
        entries = enumerate(value)
    for key, inner in list(entries):
        yield value, key
        yield from _places(inner)
