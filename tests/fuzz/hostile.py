"""Values that break careless programs, and random choices among them."""

from random import Random

LONG = "A" * 300
TEXTS = [
    *("", " ", "\t", "\n", "\r\nX-Injected: yes", "\0", "a\0b", "\x7f", "\x1b[2J", "\ufeff"),
    *("\u202eabc", "\u2028", "\U0001f600", "\u0663", "e\u0301", "\udcff", "\ud800"),
    *("../../etc/passwd", "/", "//", ".", "..", "%00", "%", "%zz", "a%2fb", "\\", "C:\\x"),
    *("'", '"', "`", "'; DROP TABLE agents_agentrecord; --", "<script>alert(1)</script>"),
    *("{{ 7*7 }}", "{% debug %}", "${HOME}", "$(id)", "%s%s%n", "{0.__class__}", "#", "a: b"),
    *("null", "None", "true", "True", "NaN", "inf", "-Infinity", "[]", "{}", "0", "-1", "1_0"),
    *("1e309", "0x10", "1.5", "65536", "2147483648", "9223372036854775808", "1" * 400),
    *("2026-02-30", "0001-01-01 00:00:00+23:59", "9999-12-31 23:59:59.999999-23:59"),
    *("2026-01-01T00:00:00", "10000-01-01", "12:00", "_3A", "a_5Fb", "__all__", "id__in", "pk"),
    *(
        "register",
        "heartbeat",
        "watch",
        "agent-1",
        "agent-2",
        "alive",
        "active",
        LONG,
        "\u00e4" * 99,
    ),
]
# Values outside the limits of databases and encodings, tried more often.
WORST = ["\0", "a\0b", "agent-1\0", "\ud800", "0001-01-01", "9999-12-31", "-9" * 40, "9" * 40]
LONGER = ["A" * 5_000, "%41" * 3_000, "1" * 5_000, "(" * 2_000, "\u00e4" * 2_000]

# JSON literals, valid and nearly valid.
JSON_LITERALS = [
    *("null", "true", "false", "0", "-0", "1", "-1", "80", "65536", "1.5", "1e2", "0.0", "-0.0"),
    *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "1E400", "01", "+1", ".5", "1."),
    *("9223372036854775807", "9223372036854775808", "1" + "0" * 400, "1" * 4_299, "1" * 5_000),
    *('""', '" "', '"a"', '"80"', '"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\udfff\\ud800"'),
    *('"\\ud83d\\ude00"', '"\\x"', '"\\u12"', '"\t"', '"\n"', '"unending', "'a'", "nul", "True"),
    *('"\\ufeff"', '"\u2028"', '"\u202e"', '"127.0.0.1"', '"::1"', '"fe80::1%eth0"', '"h:80"'),
    *("[]", "{}", "[{}]", "[[]]", '["a", "a"]', '["\\ud800"]', '["\\u0000"]', "[1, null, {}]"),
    *('{"": 1}', '{"a": 1, "a": 2}', '{"\\u0000": 1}', '{"\\ud800": 1}', '{"a": NaN}', "[1,]"),
    *('{"a": 1,}', "{1: 2}", "{'a': 1}", '{"a" 1}', "[1 2]", "{} {}", "// a\n1", "/* */ 1"),
    *('"{\\"a\\": 1}"', '"{\\"a\\": NaN}"', '"[1e999]"', '"' + "[" * 999 + '"', "\ufeff{}"),
    *("[" * 100_000, "[" * 900 + "]" * 900, '{"a":' * 40 + "1" + "}" * 40, '{"a":' * 30_000),
    *('"' + "A" * 255 + '"', '"' + "A" * 70_000 + '"', '"ready"', '"READY"', '"busy\\u0000"'),
    *('{"k": "' + "v" * 3_990 + '"}', '{"k": "' + "\u00e4" * 2_500 + '"}', "[" + "0," * 999 + "0]"),
]


def text(random: Random) -> str:
    """Return a text: mostly short, sometimes long or of random characters."""
    which = random.random()
    if which < 0.10:
        return random.choice(WORST)
    if which < 0.75:
        return random.choice(TEXTS)
    if which < 0.80:
        return random.choice(LONGER)
    length = random.choice([1, 2, 5, 20])
    return "".join(character(random) for _ in range(length))


def character(random: Random) -> str:
    highest = random.choice([0x20, 0x7F, 0xFF, 0xFFFF, 0x10FFFF])
    return chr(random.randint(0, highest))


def encodable(random: Random) -> str:
    """Return a text without lone surrogates."""
    return text(random).encode("utf-8", "replace").decode()


def json_literal(random: Random) -> str:
    return random.choice(JSON_LITERALS)
