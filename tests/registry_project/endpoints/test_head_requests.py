from django.http import HttpResponse
from django.test import RequestFactory

from registry_project.endpoints.head_requests import NoBody


def test_the_answer_to_head_has_headers_but_no_body() -> None:
    answer = NoBody(lambda _: HttpResponse(b"abc", headers={"Content-Length": "3"}))

    headers_alone = answer(RequestFactory().head("/"))
    assert isinstance(headers_alone, HttpResponse)
    assert (headers_alone.content, headers_alone.headers["Content-Length"]) == (b"", "3")
    whole = answer(RequestFactory().get("/"))
    assert isinstance(whole, HttpResponse)
    assert whole.content == b"abc"
