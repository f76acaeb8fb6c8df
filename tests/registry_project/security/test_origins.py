"""Lists of origins: each must be written as browsers send it, or it would never match."""

import pytest

from registry_project.environment import WrongValue
from registry_project.security.origins import parse_origins


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("https://a.example/", "https://a.example"),
        ("https://a.example/dashboard?x#y", "https://a.example"),
        ("HTTPS://A.Example", "https://a.example"),
        ("https://a.example:443", "https://a.example"),
        ("http://a.example:80", "http://a.example"),
        ("http://a.example:0080", "http://a.example"),
        ("https://müller.example", "https://xn--mller-kva.example"),
        ("http://[0:0::1]:5173", "http://[::1]:5173"),
    ],
)
def test_an_origin_in_another_form_is_refused_with_the_form_browsers_send(
    text: str, right: str
) -> None:
    with pytest.raises(WrongValue) as refused:
        parse_origins(f"https://first.example, {text}")

    assert str(refused.value).startswith(f"write {right} for ")
    assert parse_origins(right) == [right]


@pytest.mark.parametrize(
    "text",
    [
        "a.example",
        "localhost:5173",
        "//a.example",
        "https://",
        "https:a.example",
        "ftp://a.example",
        "https://a.example:x",
        "https://a.example:70000",
        "https://a.example https://b.example",
        "https://*.example",
        "https://a*.example",
        "https://[a.example",
        "https://ex_ample..example",
    ],
)
def test_an_invalid_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an origin"):
        parse_origins(text)


def test_a_password_is_not_shown() -> None:
    with pytest.raises(WrongValue) as refused:
        parse_origins("https://user:secret@a.example")

    assert "write https://a.example for" in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("text", ["https://*.example", "http://*.a.example:8080"])
def test_wildcards_are_accepted_only_where_allowed(text: str) -> None:
    assert parse_origins(text, wildcards=True) == [text]
    for wrong in ("https://*", "https://a.*.example", "*", "null"):
        with pytest.raises(WrongValue):
            parse_origins(wrong, wildcards=True)
