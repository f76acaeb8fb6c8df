from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import include, path, re_path
from django.views.decorators.gzip import gzip_page
from django.views.generic import RedirectView

from registry_project.endpoints import health, metrics, openapi, sign_in


def favicon(_request: HttpRequest) -> HttpResponse:
    return redirect(static("registry_project/favicon.svg"))


# Registers the admin's pages.
admin.autodiscover()

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    # Browsers ask for it where a page names none, as JSON cannot.
    path("favicon.ico", favicon, name="favicon"),
    path("admin/", include("agents.admin.dashboard.urls")),
    path("admin/login/", sign_in.log_in),
    path("admin/logout/", sign_in.log_out),
    path("admin/oidc/begin/", sign_in.begin, name="oidc_authentication_init"),
    path("admin/oidc/callback/", sign_in.callback, name="oidc_authentication_callback"),
    path("admin/create-agent/", include("registry_project.creation.urls")),
    path("admin/", admin.site.urls),
    path("", include("agents.api.urls")),
    path("", include("agents.mcp.urls")),
    re_path(r"^health/?$", health.FleetHealth.as_view(), name="health"),
    re_path(r"^health/live/?$", health.Liveness.as_view(), name="health-live"),
    re_path(r"^health/ready/?$", health.Readiness.as_view(), name="health-ready"),
    re_path(r"^metrics/?$", metrics.Metrics.as_view(), name="metrics"),
    re_path(r"^schema/?$", gzip_page(openapi.Document.as_view()), name="schema"),
    re_path(r"^docs/?$", openapi.DocumentPage.as_view(url_name="schema"), name="docs"),
]

handler400 = "registry_project.endpoints.error_pages.bad_request"
handler403 = "registry_project.endpoints.error_pages.permission_denied"
handler404 = "registry_project.endpoints.error_pages.not_found"
handler500 = "registry_project.endpoints.error_pages.server_error"
