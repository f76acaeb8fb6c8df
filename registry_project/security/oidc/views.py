import time
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from mozilla_django_oidc.views import OIDCAuthenticationRequestView

from agents.encryption import Undecipherable, decrypt, encrypt
from registry_project.security import kept_forms
from registry_project.security.oidc.client import Client
from registry_project.security.oidc.errors import SignInFailed
from registry_project.security.oidc.people import signed_in
from registry_project.security.oidc.provider import describe_provider, setting

BACKEND = "registry_project.security.oidc.backend.CompanyBackend"
ID_TOKEN = "oidc_id_token"  # noqa: S105 - the key of a session
# Time to enter a password and a second factor at the provider.
PATIENCE_SECONDS = 900


class Begin(OIDCAuthenticationRequestView):  # type: ignore[misc]  # has no types
    http_method_names = ["get", "post"]
    get_settings = staticmethod(setting)

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.get(request)

    def get(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            request.session.set_expiry(PATIENCE_SECONDS)
        response: HttpResponse = super().get(request)
        return response


def finish(request: HttpRequest) -> HttpResponse:
    """Raise SignInFailed."""
    begun = _take(request)
    issuer = request.GET.get("iss")  # RFC 9207
    if issuer not in {None, describe_provider()["issuer"]}:
        raise SignInFailed("Another provider answered.", f"the issuer is {issuer!r}")
    if "error" in request.GET:
        reason = f"the provider answers {request.GET['error'][:100]!r}"
        raise SignInFailed("The sign-in provider refused or cancelled the sign-in.", reason)
    client = Client()
    redirect_uri = request.build_absolute_uri(reverse("oidc_authentication_callback"))
    tokens = client.redeem(request.GET.get("code", ""), begun["code_verifier"], redirect_uri)
    user = signed_in(client.claims_of(tokens, begun["nonce"]))
    auth.login(request, user, backend=BACKEND)
    request.session.set_expiry(settings.OIDC_SESSION_MINUTES * 60)
    request.session[ID_TOKEN] = encrypt(tokens["id_token"])
    wanted = request.session.pop("oidc_login_next", None) or reverse("admin:index")
    form = kept_forms.read(request.session.pop(kept_forms.FIELD, ""))
    return kept_forms.show_again(request, form) if form else HttpResponseRedirect(wanted)


def end_session_url(request: HttpRequest) -> str | None:
    """Where to sign out of the provider too (RP-Initiated Logout 1.0), if it can do that."""
    token = request.session.get(ID_TOKEN)
    if token is None:
        return None
    try:
        url = describe_provider().get("end_session_endpoint", "")
        hint = decrypt(token)
    except (SignInFailed, Undecipherable):
        return None
    # The Content-Security-Policy allows no other.
    if "{0.scheme}://{0.netloc}".format(urlsplit(url)) not in settings.OIDC_ORIGINS:
        return None
    after = request.build_absolute_uri(reverse("admin:login"))
    client_id = settings.OIDC_RP_CLIENT_ID
    query = {"id_token_hint": hint, "client_id": client_id, "post_logout_redirect_uri": after}
    return f"{url}?{urlencode(query)}"


def _take(request: HttpRequest) -> dict[str, Any]:
    """Forget the sign-in that was begun: it can be finished once. Raise SignInFailed."""
    states = request.session.get("oidc_states", {})
    begun: dict[str, Any] | None = states.pop(request.GET.get("state", ""), None)
    if begun is None or time.time() - begun["added_on"] > PATIENCE_SECONDS:
        raise SignInFailed(
            "This sign-in was not begun in this browser, or it took too long.", "unknown state"
        )
    request.session.save()
    return begun
