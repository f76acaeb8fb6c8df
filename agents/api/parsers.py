from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from agents.strict_json import InvalidJSON, parse_json


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body may have at most {limit:,} bytes.")


class LengthRequired(APIException):
    status_code = 411
    default_detail = "Send the body with a Content-Length, not in chunks."
    default_code = "length_required"


class EncodingRefused(APIException):
    status_code = 415
    default_code = "unsupported_encoding"

    def __init__(self, encoding: str) -> None:
        super().__init__(
            f"Content-Encoding: {encoding[:40]} is not accepted. Send the body as it is."
        )


def check_body(request: Request, limit: int) -> None:
    """Check the headers. Raise EncodingRefused, BodyTooLarge, LengthRequired or ParseError."""
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "")
    if encoding.strip().lower() not in {"", "identity"}:
        raise EncodingRefused(encoding)
    if request.META.get("HTTP_TRANSFER_ENCODING"):  # under WSGI the body would look empty
        raise LengthRequired
    length = str(request.META.get("CONTENT_LENGTH") or 0)
    if not length.isdecimal():
        raise ParseError("Content-Length is not a number.")
    if int(length) > limit:
        raise BodyTooLarge(limit)


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return parse_json(stream.read())
        except InvalidJSON as error:
            raise ParseError(str(error)) from error
