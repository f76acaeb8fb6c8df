"""All errors are Problem Details with the right status."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.agents.conftest import Register

HEARTBEAT = "/agents/a/heartbeat"
VALID = '{"agent_id": "a", "host": "h", "port": 1}'


def assert_problem(answer: Any, status: int, detail: str = "") -> None:
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == "about:blank"
    assert body["title"]
    assert body["status"] == status
    assert detail in body["detail"]


@pytest.mark.django_db
class TestBodies:
    @pytest.mark.parametrize(
        ("body", "detail"),
        [
            (b"{", "not JSON"),
            (b"{'a': 1}", "not JSON"),
            (b"\xff\xfe", "not in UTF-8"),
            (b'{"a": "\xed\xa0\x80"}', "not in UTF-8"),
            (b'{"port": NaN}', "NaN is not a JSON number"),
            (b'{"port": -Infinity}', "-Infinity is not a JSON number"),
            (b'{"port": 1e999}', "the number 1e999 is too large"),
            (b'{"port": ' + b"9" * 5000 + b"}", "not JSON"),
            (b'{"port": 1, "port": 2}', "the key 'port' appears twice"),
            (b'{"metadata": {"a": 1, "a": 1}}', "the key 'a' appears twice"),
            (b"[" * 60_000, "nested too deep"),
            (b'{"a":' * 12_000, "nested too deep"),
            (b"\0", "not JSON"),
        ],
    )
    def test_a_body_that_is_not_json_is_400(self, api: APIClient, body: bytes, detail: str) -> None:
        for path in ("/agents/register", HEARTBEAT):
            answer = api.post(path, body, content_type="application/json")
            assert_problem(answer, 400, detail)

    @pytest.mark.parametrize(
        ("text", "field"),
        [('"\\ud800": 1', "\\ud800"), ('"status": "\\ud800"', "status")],
    )
    def test_a_lone_surrogate_is_refused_and_escaped_in_the_error(
        self, api: APIClient, text: str, field: str
    ) -> None:
        body = f"{VALID[:-1]}, {text}}}"
        answer = api.post("/agents/register", body, content_type="application/json")
        assert_problem(answer, 422, "\\ud800")
        assert list(answer.json()["errors"]) == [field]

    def test_a_body_of_another_media_type_is_415(self, api: APIClient) -> None:
        answer = api.post("/agents/register", VALID, content_type="text/plain")
        assert_problem(answer, 415)
        assert_problem(api.post("/agents/register", {"a": "b"}, format="multipart"), 415)

    def test_64_kib_are_accepted_and_one_byte_more_is_413(self, api: APIClient) -> None:
        full = VALID.ljust(64 * 1024)

        answer = api.post("/agents/register", full, content_type="application/json")
        assert answer.status_code == 201
        answer = api.post("/agents/register", full + " ", content_type="application/json")
        assert_problem(answer, 413, "65,536 bytes")

    def test_an_undecoded_chunked_body_is_411_and_not_taken_as_empty(
        self, api: APIClient, register: Register
    ) -> None:
        register("a")
        answer = api.post(HEARTBEAT, headers={"Transfer-Encoding": "chunked"})
        assert_problem(answer, 411, "Content-Length")

    def test_an_invalid_content_length_is_400(self, api: APIClient) -> None:
        assert_problem(api.post(HEARTBEAT, CONTENT_LENGTH="ten"), 400)


@pytest.mark.django_db
class TestAddresses:
    @pytest.mark.parametrize("path", ["/nowhere", "/agents/a/b", "/agents/a/heartbeat/x"])
    def test_an_unknown_path_is_404(self, api: APIClient, path: str) -> None:
        assert_problem(api.get(path), 404, "nothing at this address")

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("put", "/agents/a"),
            ("patch", "/agents/a"),
            ("post", "/agents"),
            ("get", "/agents/register"),
            ("get", HEARTBEAT),
            ("post", "/health"),
        ],
    )
    def test_an_unsupported_method_is_405(self, api: APIClient, method: str, path: str) -> None:
        answer = getattr(api, method)(path)
        assert_problem(answer, 405)
        assert "Allow" in answer.headers

    @pytest.mark.parametrize("path", ["/agents", "/health", "/schema", "/docs"])
    def test_an_unsupported_accept_header_is_406(self, api: APIClient, path: str) -> None:
        assert_problem(api.get(path, headers={"Accept": "image/png"}), 406)
        assert_problem(api.get(path, {"format": "png"}), 404)

    def test_a_host_that_is_not_allowed_is_400(self, api: APIClient, settings: Any) -> None:
        settings.ALLOWED_HOSTS = ["registry.example"]
        assert_problem(api.get("/agents", headers={"Host": "evil.example"}), 400)


CALLS = [
    ("post", "/agents/register", VALID),
    ("post", HEARTBEAT, ""),
    ("get", "/agents", ""),
    ("get", "/agents/a", ""),
    ("delete", "/agents/a", ""),
    ("get", "/health", ""),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_an_unreachable_database_is_503_and_never_404(
    api: APIClient, database_away: None, method: str, path: str, body: str
) -> None:
    answer = getattr(api, method)(path, body, content_type="application/json")

    assert_problem(answer, 503, "database does not answer")
    assert int(answer.headers["Retry-After"]) > 0


def test_pages_of_the_admin_are_503_without_the_database(database_away: None) -> None:
    api = APIClient(raise_request_exception=False)
    api.cookies["sessionid"] = "x" * 32

    answer = api.get("/admin/", headers={"Accept": "text/html"})

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_a_browsable_page_is_503_without_the_database(database_away: None) -> None:
    api = APIClient(raise_request_exception=False)

    answer = api.get("/agents", headers={"Accept": "text/html"})

    assert answer.status_code == 503


@pytest.mark.django_db
def test_an_unexpected_exception_is_500_with_problem_details(settings: Any) -> None:
    """A broken setting stands for any bug."""
    settings.MAX_BODY_BYTES = None
    api = APIClient(raise_request_exception=False)

    answer = api.get("/agents")

    assert_problem(answer, 500, "A fault of the registry")
    assert int(answer.headers["Retry-After"]) > 0
