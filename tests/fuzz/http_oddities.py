"""Valid and odd parts for requests."""

Header = tuple[bytes, bytes]
IDS = [f"fuzzed-{number}" for number in range(12)]
REGISTRATION = {
    "agent_id": '"fuzzed-1"',
    "agent_name": '"Fuzzed"',
    "host": '"fuzz.example"',
    "port": "8000",
    "ttl_seconds": "30",
    "metadata": '{"model": "m"}',
    "version": '"1.0"',
    "tags": '["a", "b"]',
    "skills": '["s"]',
    "status": '"ready"',
}
HEARTBEAT = {"status": '"busy"', "load": "0.5", "note": '"n"'}
PATHS = [
    *("/", "/agents", "/agents/", "/agents/fuzzed-1", "/agents/register", "/agents/heartbeat"),
    *("/agents/fuzzed-1/heartbeat", "/health", "/health/live", "/health/ready", "/schema", "/docs"),
    *(
        "/metrics",
        "/admin/",
        "/admin/login/",
        "/static/agents/admin.css",
        "/favicon.ico",
        "/nowhere",
    ),
]
PARAMETERS = [
    *("include_dead", "tag", "skill", "status", "state", "search", "limit", "cursor", "format"),
    *("lang", "version", "next", "page", "ordering", "", "unknown"),
]
METHODS = [
    *(b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT"),
    *(
        b"get",
        b"PURGE",
        b"PROPFIND",
        b"M-SEARCH",
        b"G\0T",
        b"",
        b"GET GET",
        b"X" * 300,
        b"G\xc3\xa9T",
    ),
]
VERSIONS = [
    *(b"HTTP/1.0", b"HTTP/1.1", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.2", b"HTTP/9.9", b"http/1.1"),
    *(b"HTTP/1.1.1", b"HTTP/1", b"HTTP/11", b"FTP/1.1", b"", b"HTTP/1.1 x", b"HTTP/-1.1"),
]
LENGTHS = [
    *(
        b"0",
        b"1",
        b"5",
        b"-1",
        b"+5",
        b" 5",
        b"5 ",
        b"05",
        b"5, 5",
        b"5, 6",
        b"5;5",
        b"0x5",
        b"5.0",
    ),
    *(b"", b"abc", b"\xb2", b"\xd9\xa3", b"65536", b"65537", b"99999999999999999999", b"9" * 5_000),
]
CODINGS = [
    *(b"chunked", b"Chunked", b"gzip, chunked", b"chunked, chunked", b"identity", b"gzip"),
    *(b"chunked\0", b" chunked", b"chunked;q=1", b"xchunked", b"", b"chunked, identity"),
]
CHUNKS = [
    *(b"0\r\n\r\n", b"2\r\n{}\r\n0\r\n\r\n", b"2;a=b\r\n{}\r\n0\r\nTrailer: x\r\n\r\n"),
    *(b"2\r\n{}", b"2\r\n{}\r\n", b"3\r\n{}\r\n0\r\n\r\n", b"zz\r\n{}\r\n0\r\n\r\n"),
    *(b"-2\r\n{}\r\n0\r\n\r\n", b"0x2\r\n{}\r\n0\r\n\r\n", b"FFFFFFFFFFFFFFFFF\r\n{}"),
    *(
        b"2\n{}\n0\n\n",
        b"\r\n",
        b"2 \r\n{}\r\n0\r\n\r\n",
        b"2" + b";" * 9_000 + b"\r\n{}\r\n0\r\n\r\n",
    ),
    b"1\r\n{\r\n" * 3_000 + b"0\r\n\r\n",
]
TYPES = [
    *(b"application/json", b"application/json; charset=utf-16", b"text/plain", b"", b"/", b"a/b/c"),
    *(
        b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=",
        b"multipart/form-data",
    ),
    *(
        b"application/json\0",
        b"application/json; charset=\xff",
        b"application/problem+json",
        b"*/*",
    ),
]
ACCEPTS = [
    *(b"*/*", b"application/json", b"text/html", b"text/html;q=0.1", b"image/png", b"", b"/", b"a"),
    *(b"application/json; indent=4", b"application/json; indent=999999999", b"*/*;q=nan"),
    *(b"application/json;" * 500, b"application/json; indent=\xb2", b"text/html, */*;q=0.5"),
]
HOSTS = [
    *(b"fuzz.example", b"", b"a b", b"[::1", b"h:99999", b"h:port", b"\xff", b"..", b"a" * 5_000),
    *(b"evil.example/../", b"a,b", b"[::1]:80", b"127.0.0.1"),
]
TOKENS = [
    *(b"", b".", b"1", b"1.", b".x", b"1.x", b"1.\xff", b"\xb2.x", b"-1.x", b"9" * 5_000 + b".x"),
    *(
        b"1:2.x",
        b"1.x:y",
        b"null",
        b"A" * 8_000,
        b"art_",
        b"art__",
        b"art_abcdefghijkl_" + b"s" * 43,
    ),
    *(b"art_ABCDEFGHIJKL_x", b"art_\xff_\xfe", b"a" * 12 + b"_" + b"b" * 9_000, b"..", b"\tx"),
]
SCHEMES = [b"Bearer ", b"bearer ", b"Basic ", b"Bearer", b"", b"Bearer  ", b"Token ", b"\xff "]
ODD_HEADERS: list[Header] = [
    (b"If-None-Match", b'"x", W/"y", *'),
    *((b"If-None-Match", b'"' * 999), (b"If-Match", b"*"), (b"If-Modified-Since", b"Sat, 99 Foo")),
    (b"If-Modified-Since", b"Mon, 01 Jan 999999999999 00:00:00 GMT"),
    *((b"Range", b"bytes=0-,-1,5-2"), (b"Expect", b"100-continue"), (b"Expect", b"what")),
    *((b"Upgrade", b"h2c"), (b"Upgrade", b"websocket"), (b"Connection", b"upgrade, close, x")),
    *((b"Cookie", b"sessionid=\xff; csrftoken=;;=;=="), (b"Cookie", b"sessionid=" + b"a" * 7_000)),
    *((b"Cookie", b"messages=x:y:z; sessionid=../../x\0"), (b"X-CSRFToken", b"\xff")),
    *((b"X-Forwarded-For", b"1.2.3.4, x, ::1, \xff"), (b"X-Forwarded-For", b"," * 4_000)),
    *((b"X-Forwarded-Proto", b"https, http"), (b"X-Forwarded-Host", b"evil.example")),
    *((b"Forwarded", b"for=_x;proto=;="), (b"X-Forwarded-For", b"1.2.3.4%lo"), (b"Via", b"\xff")),
    *((b"Content-Encoding", b"gzip"), (b"Accept-Language", b"xx-" + b"y" * 600 + b";q=1, *;q=x")),
    *((b"Accept-Encoding", b"gzip;q=0, *"), (b"X-HTTP-Method-Override", b"DELETE"), (b"", b"x")),
    *((b"Content_Length", b"5"), (b"Lease_Token", b"1.x"), (b"Host", b"twice.example")),
    *(
        (b"Content-Type ", b"x"),
        (b"Bad Name", b"x"),
        (b"N\0", b"x"),
        (b"A", b"b\0c"),
        (b"A", b"\x01"),
    ),
    *((b"Proxy", b"http://evil.example"), (b"SCRIPT_NAME", b"/x"), (b"Script-Name", b"/x")),
    *((b"X" * 9_000, b"x"), (b"X-Big", b"y" * 9_000), (b"X-Bigger", b"y" * 200_000)),
]
STRANGERS = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    *(
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\r\n\r\n\r\n\r\n",
        b"\0" * 4_096,
        b"GET /\r\n",
        b"\xff\xfe",
    ),
    *(b"SSH-2.0-x\r\n", b"GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n", b"A" * 100_000),
    *(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", b"CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n"),
    *(
        b"\r\n" * 5_000,
        b" GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
    ),
    *(b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", b"GET  /  HTTP/1.1\r\nHost: x\r\n\r\n"),
]
