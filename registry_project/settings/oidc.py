"""Sign-in by OpenID Connect. docs/sign-in.md"""

from urllib.parse import urlsplit

from registry_project.environment import WrongValue
from registry_project.settings.base import env

# Whose signatures PyJWT checks with keys of a JWKS.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")

Roles = dict[str, set[str]]


def parse_roles(text: str) -> Roles:
    """Return the values of the claim for each group of ours. Raise WrongValue."""
    roles: Roles = {}
    for pair in filter(None, map(str.strip, text.split(","))):
        role, equals, value = (part.strip() for part in pair.partition("="))
        if not (role and equals and value):
            raise WrongValue(f"{pair!r} is no ROLE=VALUE")
        roles.setdefault(role, set()).add(value)
    return roles


def parse_scopes(text: str) -> str:
    scopes = text.replace(",", " ").split()
    if "openid" not in scopes:
        raise WrongValue('"openid" is missing')
    return " ".join(scopes)


# Off without it.
OIDC_ISSUER = env.url(
    "OIDC_ISSUER", "", ("https", "http"), example="https://sso.example/realms/company"
)
OIDC_NAME = env.text("OIDC_NAME", "single sign-on")
OIDC_ROLES: Roles = env.parsed(
    "OIDC_ROLES",
    {},
    parse_roles,
    takes="pairs such as Viewer=registry-viewers,Admin=registry-admins",
)
OIDC_ROLES_CLAIM = env.text("OIDC_ROLES_CLAIM", "groups")
OIDC_USERNAME_CLAIM = env.text("OIDC_USERNAME_CLAIM", "preferred_username")
OIDC_SESSION_MINUTES = env.integer("OIDC_SESSION_MINUTES", 480, 5, 10_080)
# Names of mozilla-django-oidc from here on.
OIDC_RP_CLIENT_ID = env.text("OIDC_CLIENT_ID")
OIDC_RP_CLIENT_SECRET = env.text("OIDC_CLIENT_SECRET")
OIDC_RP_SCOPES: str = env.parsed(
    "OIDC_SCOPES", "openid email profile", parse_scopes, takes="scopes, with openid among them"
)
OIDC_RP_SIGN_ALGO = env.choice("OIDC_SIGNING_ALGORITHM", "RS256", ALGORITHMS)
OIDC_USE_PKCE = True
OIDC_TIMEOUT = 5
OIDC_MAX_STATES = 10

if OIDC_ISSUER:
    env.require("OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_ROLES", by="OIDC_ISSUER")

OIDC_ORIGINS = ["{0.scheme}://{0.netloc}".format(urlsplit(OIDC_ISSUER))] if OIDC_ISSUER else []
