from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

MEDIA_TYPE = "application/problem+json"


def problem(
    status: int, detail: str = "", errors: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Any]:
    """`errors`: messages by field path."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["detail"] = " ".join(f"{path}: {' '.join(texts)}" for path, texts in errors.items())
        body["errors"] = {path: list(texts) for path, texts in errors.items()}
    return body


def field_errors(detail: Any) -> dict[str, list[str]]:
    """By path, such as ``tags[0]`` or ``body``."""
    return dict(_flatten(detail))


def _flatten(detail: Any, path: str = "") -> Iterator[tuple[str, list[str]]]:
    if isinstance(detail, dict):
        for key, value in detail.items():
            if key == "non_field_errors":
                yield from _flatten(value, path)
            elif isinstance(key, int):
                yield from _flatten(value, f"{path}[{key}]")
            else:
                yield from _flatten(value, f"{path}.{key}" if path else str(key))
    elif isinstance(detail, list) and detail and not isinstance(detail[0], str):
        for index, value in enumerate(detail):
            yield from _flatten(value, f"{path}[{index}]")
    else:
        yield encodable(path) or "body", [encodable(str(text)) for text in detail]


def encodable(text: str) -> str:
    """Escape lone surrogates, which UTF-8 cannot encode."""
    return text.encode("utf-8", "backslashreplace").decode()
