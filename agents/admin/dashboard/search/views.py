from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from agents.admin.dashboard.search.query import MAX_LENGTH, search
from agents.tokens.recognition import has_token

FIELD = "text"
PARTS = "search"  # as X-Requested-With


@sensitive_post_parameters(FIELD)
@sensitive_variables("text")
@require_http_methods(["GET", "POST"])
def search_page(request: HttpRequest) -> HttpResponse:
    """Search by POST: the text may have a secret. search.js shows the results in a dialog."""
    text = request.POST.get(FIELD, "")
    context = {"found": search(request, text), "has_text": bool(text.strip())}
    if request.headers.get("X-Requested-With") == PARTS:
        response = render(request, "admin/search/results.html", context)
    else:
        shown = "" if has_token(text) else text
        context |= {"title": "Search", "max_length": MAX_LENGTH, "text": shown}
        response = render(
            request, "admin/search/page.html", admin.site.each_context(request) | context
        )
    response["Cache-Control"] = "no-store"
    return response
