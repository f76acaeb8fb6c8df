"""Signing in and out: Django's own pages, and OpenID Connect if it is on."""

import logging
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.contrib import admin, auth
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from registry_project.security import kept_forms
from registry_project.security.oidc.errors import SignInFailed

logger = logging.getLogger("registry_project.security.oidc")

View = Callable[[HttpRequest], HttpResponse]


def log_in(request: HttpRequest, kept: str = "") -> HttpResponse:
    """`kept`: an encrypted form."""
    kept = kept or request.POST.get(kept_forms.FIELD, "")
    context = {
        "oidc_name": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
        "kept": kept,
        "kept_field": kept_forms.FIELD,
    }
    response = admin.site.login(request, context)
    form = kept_forms.read(kept) if kept and request.method == "POST" else None
    if form is not None and response.status_code == HTTPStatus.FOUND:
        return kept_forms.show_again(request, form)
    return response


def log_out(request: HttpRequest) -> HttpResponse:
    url = None
    if settings.OIDC_ISSUER and request.method == "POST":
        from registry_project.security.oidc.views import end_session_url  # noqa: PLC0415

        url = end_session_url(request)
    if url is None:
        return admin.site.logout(request)
    auth.logout(request)
    return HttpResponseRedirect(url)


def _begin(request: HttpRequest) -> HttpResponse:
    from registry_project.security.oidc.views import Begin  # noqa: PLC0415

    kept = request.POST.get(kept_forms.FIELD, "")
    if kept_forms.read(kept):
        request.session[kept_forms.FIELD] = kept
    response: HttpResponse = Begin.as_view()(request)
    return response


def _finish(request: HttpRequest) -> HttpResponse:
    from registry_project.security.oidc.views import finish  # noqa: PLC0415

    return finish(request)


def _if_on(view: View) -> View:
    """Its packages are loaded only then."""

    def guarded(request: HttpRequest) -> HttpResponse:
        if not settings.OIDC_ISSUER:
            raise Http404
        try:
            return view(request)
        except SignInFailed as error:
            logger.warning("A sign-in failed: %s", error.reason)
            context = {
                **admin.site.each_context(request),
                "message": str(error),
                "oidc_name": settings.OIDC_NAME,
            }
            return render(request, "admin/sign_in_failed.html", context, status=error.status)

    return never_cache(guarded)


# A POST brings a kept form.
begin = require_http_methods(["GET", "POST"])(_if_on(_begin))
callback = require_GET(_if_on(_finish))
