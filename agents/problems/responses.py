"""One body for every error: Problem Details (RFC 9457), with the errors of each field."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.views import defaults
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.exceptions import PermissionDenied as Forbidden
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler

from agents.database.availability import UNAVAILABLE, tell_unavailable
from agents.leases import LeaseLocked, StaleLease, UnknownAgent
from agents.metrics import counters
from agents.tokens.enrollment import IdHeldByAnother, TooManyAgents

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = "5"
SOON = "1"
FAULT = "A fault of the registry. Try again."
# The browser's pages; what is not under them answers programs.
PAGES = ("/admin", "/docs")


class AgentNotFound(APIException):
    status_code = 404
    default_detail = "There is no such agent. Register (again)."
    default_code = "unknown_agent"


class LeaseHeldByAnother(APIException):
    status_code = 409
    default_detail = "A newer registration holds this agent's lease."
    default_code = "stale_lease"


class IdIsTaken(APIException):
    status_code = 409
    default_detail = (
        "An agent that is alive has this id, and another token has registered it. "
        "The id is free when that agent deregisters or its lease ends."
    )
    default_code = "id_is_taken"


class RegistryUnavailable(APIException):
    status_code = 503
    default_detail = "The registry's database does not answer. Try again."
    default_code = "unavailable"


class RecordIsLocked(APIException):
    status_code = 503
    default_detail = "The agent's record is being changed. Try again."
    default_code = "locked"
    retry_after = SOON


class TooBusy(APIException):
    status_code = 503
    default_detail = "More heartbeats arrive than can be answered in time. Try again."
    default_code = "busy"
    retry_after = SOON


TRANSLATIONS: dict[type[Exception], type[APIException]] = {
    UnknownAgent: AgentNotFound,
    StaleLease: LeaseHeldByAnother,
    LeaseLocked: RecordIsLocked,
    IdHeldByAnother: IdIsTaken,
}


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: the response for an error, None for one that nobody foresaw."""
    if isinstance(error, UNAVAILABLE):
        tell_unavailable(error)
        error = RegistryUnavailable()
    elif translation := TRANSLATIONS.get(type(error)):
        error = translation()
    elif isinstance(error, TooManyAgents):
        error = Forbidden(str(error), "too_many_agents")
    response = exception_handler(error, context)  # for its headers, and its rolling back
    if response is None:
        return None
    if isinstance(error, ValidationError):
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        response.data = problem(response.status_code, errors=dict(_flatten(error.detail)))
    else:
        response.data = problem(response.status_code, _detail(error))
    counters.count_refusal(error.get_codes() if isinstance(error, APIException) else "not_found")
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        response["Retry-After"] = getattr(error, "retry_after", RETRY_AFTER_SECONDS)
    if _is_told_in_json(context.get("request")):
        response.content_type = MEDIA_TYPE
    return response


def fault_response() -> Response:
    """Return the response for an error that nobody foresaw."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return Response(problem(status, FAULT), status, headers={"Retry-After": RETRY_AFTER_SECONDS})


def problem(
    status: int, detail: str = "", errors: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Any]:
    """Return the body of an error; `errors` names the fields and says what is wrong with each."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["detail"] = " ".join(f"{field}: {' '.join(said)}" for field, said in errors.items())
        body["errors"] = {field: list(said) for field, said in errors.items()}
    return body


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler400."""
    if request.path.startswith(PAGES):
        return defaults.bad_request(request, exception)
    return _problem_json(HTTPStatus.BAD_REQUEST, "The request cannot be understood.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler404."""
    if request.path.startswith(PAGES):
        return defaults.page_not_found(request, exception)
    return _problem_json(HTTPStatus.NOT_FOUND, "There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Django's handler500, called while the exception is being handled."""
    error = sys.exc_info()[1]
    if isinstance(error, DataError):
        # Text that only the database knows it cannot hold, such as NUL in an admin page's address.
        return bad_request(request, error)
    if isinstance(error, UNAVAILABLE):
        tell_unavailable(error)
        status, detail = HTTPStatus.SERVICE_UNAVAILABLE, RegistryUnavailable.default_detail
    else:
        status, detail = HTTPStatus.INTERNAL_SERVER_ERROR, FAULT
    response: HttpResponseBase
    if request.path.startswith(PAGES):
        response = defaults.server_error(request)
        response.status_code = status
    else:
        response = _problem_json(status, detail)
    response["Retry-After"] = RETRY_AFTER_SECONDS
    return response


def _problem_json(status: HTTPStatus, detail: str) -> JsonResponse:
    return JsonResponse(problem(status, detail), status=status, content_type=MEDIA_TYPE)


def _is_told_in_json(request: Request | None) -> bool:
    """Whether the body will be JSON; it will be where the client accepts nothing that there is."""
    if request is None:
        return True
    if getattr(request, "accepted_renderer", None) is None:
        request.accepted_renderer = JSONRenderer()
        request.accepted_media_type = JSONRenderer.media_type
    return request.accepted_renderer.format == JSONRenderer.format


def _detail(error: Exception) -> str:
    if isinstance(error, Http404):
        return "There is nothing at this address."
    if isinstance(error, PermissionDenied):
        return "This is not allowed."
    return str(getattr(error, "detail", error))


def _flatten(detail: Any, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """Give the path of each field with its messages: ``tags[0]``, ``host``, ``body``."""
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
        yield _encodable(path) or "body", [_encodable(str(text)) for text in detail]


def _encodable(text: str) -> str:
    """Return `text`; half of a surrogate pair, which callers can send but no answer, as escaped."""
    return text.encode("utf-8", "backslashreplace").decode()
