from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework.exceptions import APIException, Throttled, ValidationError
from rest_framework.exceptions import PermissionDenied as Forbidden
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler

from agents.database.availability import UNAVAILABLE, log_unavailable
from agents.metrics import counters
from agents.problems.details import MEDIA_TYPE, field_errors, problem
from agents.problems.errors import RETRY_AFTER_SECONDS, TRANSLATIONS, RegistryUnavailable
from agents.rate_limits import RateExceeded
from agents.tokens.enrollment import TooManyAgents

FAULT = "A fault of the registry. Try again."
NOT_FOUND = "There is nothing at this address."


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    error = _translate(error)
    response = exception_handler(error, context)  # sets headers, and rolls back
    if response is None:
        return None
    if isinstance(error, ValidationError):
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        response.data = problem(response.status_code, errors=field_errors(error.detail))
    else:
        response.data = problem(response.status_code, _detail(error))
    counters.count_refusal(error.get_codes() if isinstance(error, APIException) else "not_found")
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        response["Retry-After"] = getattr(error, "retry_after", RETRY_AFTER_SECONDS)
    if _is_rendered_as_json(context.get("request")):
        response.content_type = MEDIA_TYPE
    return response


def fault_response() -> Response:
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return Response(problem(status, FAULT), status, headers={"Retry-After": RETRY_AFTER_SECONDS})


def _translate(error: Exception) -> Exception:
    if isinstance(error, UNAVAILABLE):
        log_unavailable(error)
        return RegistryUnavailable()
    if isinstance(error, RateExceeded):
        return Throttled(error.wait)
    if isinstance(error, TooManyAgents):
        return Forbidden(str(error), "too_many_agents")
    translation = TRANSLATIONS.get(type(error))
    return error if translation is None else translation()


def _is_rendered_as_json(request: Request | None) -> bool:
    """JSON, if content negotiation has not happened."""
    if request is None:
        return True
    if getattr(request, "accepted_renderer", None) is None:
        request.accepted_renderer = JSONRenderer()
        request.accepted_media_type = JSONRenderer.media_type
    return request.accepted_renderer.format == JSONRenderer.format


def _detail(error: Exception) -> str:
    if isinstance(error, Http404):
        return NOT_FOUND
    if isinstance(error, PermissionDenied):
        return "This is not allowed."
    return str(getattr(error, "detail", error))
