import sys
from http import HTTPStatus

from django.core.exceptions import DisallowedHost
from django.db import DataError
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views import defaults

from agents.database.availability import UNAVAILABLE, log_unavailable
from agents.problems.details import MEDIA_TYPE, problem
from agents.problems.errors import RETRY_AFTER_SECONDS, RegistryUnavailable
from agents.problems.responses import FAULT, NOT_FOUND

PAGES = ("/admin", "/docs")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if isinstance(exception, DisallowedHost):
        return _problem_json(HTTPStatus.BAD_REQUEST, str(exception))
    if request.path.startswith(PAGES):
        return defaults.bad_request(request, exception)
    return _problem_json(HTTPStatus.BAD_REQUEST, "The request cannot be understood.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if request.path.startswith(PAGES):
        return defaults.page_not_found(request, exception)
    return _problem_json(HTTPStatus.NOT_FOUND, NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponseBase:
    error = sys.exc_info()[1]
    if isinstance(error, DataError):
        return bad_request(request, error)
    if isinstance(error, UNAVAILABLE):
        log_unavailable(error)
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
