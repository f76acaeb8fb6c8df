from datetime import timedelta
from functools import partial

from registry_project.endpoints.hosts import PROBED
from registry_project.security.origins import parse_origins
from registry_project.security.proxies import parse_proxy_list
from registry_project.security.secret_key import read_or_create
from registry_project.settings.base import VAR_DIR, env
from registry_project.settings.oidc import OIDC_ISSUER, OIDC_ORIGINS

DAY = 86_400

# Several machines must share one.
SECRET_KEY = env.text("SECRET_KEY") or read_or_create(VAR_DIR / "secret_key")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
ENCRYPTION_KEYS = env.words("ENCRYPTION_KEYS")
# Our own, behind a proxy that ends TLS.
CSRF_TRUSTED_ORIGINS: list[str] = env.parsed(
    "CSRF_TRUSTED_ORIGINS",
    [],
    partial(parse_origins, wildcards=True),
    takes="origins such as https://registry.example, separated by commas",
)
CORS_ALLOWED_ORIGINS: list[str] = env.parsed(
    "CORS_ALLOWED_ORIGINS",
    [],
    parse_origins,
    takes="origins such as https://dashboard.example or http://localhost:5173, separated by commas",
)
# Other websites must not use the session of a visitor who is logged in here.
CORS_ALLOW_CREDENTIALS = False
CORS_URLS_REGEX = r"^/(?!admin|docs|static|$)"
CORS_ALLOW_HEADERS = ("authorization", "content-type", "if-match", "if-none-match", "lease-token")
CORS_EXPOSE_HEADERS = ("allow", "etag", "link", "retry-after", "www-authenticate")
# Only their X-Forwarded headers are believed.
TRUSTED_PROXIES: list[str] = env.parsed(
    "TRUSTED_PROXIES",
    [],
    parse_proxy_list,
    takes='networks such as 10.0.0.0/8, addresses, or "unix", separated by commas',
)
# Only TrustedProxies sets it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

HTTPS = env.flag("HTTPS", default=False)
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "registry_project.endpoints.error_pages.csrf_failure"
SECURE_SSL_REDIRECT = HTTPS
# Probes do not come through the proxy.
SECURE_REDIRECT_EXEMPT = [PROBED]
HSTS_SECONDS = env.integer("HSTS_SECONDS", 365 * DAY, 0, 10 * 365 * DAY)
SECURE_HSTS_SECONDS = HSTS_SECONDS if HTTPS else 0
# The registry does not decide for other hosts of its domain.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

SESSION_ENGINE = "registry_project.security.sessions"
SESSION_COOKIE_AGE = 12 * 3600

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "base-uri": ["'none'"],
        # Browsers apply it to redirects too, such as the one that signs out.
        "form-action": ["'self'", *OIDC_ORIGINS],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
    }
}

AUTHENTICATION_BACKENDS = ["registry_project.security.logins.GuardedBackend"]
if OIDC_ISSUER:
    AUTHENTICATION_BACKENDS.append("registry_project.security.oidc.backend.CompanyBackend")
# By address too: nobody can lock out an operator from elsewhere.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = env.integer("LOGIN_FAILURE_LIMIT", 5, 1, 1000)
LOGIN_COOLOFF_MINUTES = env.integer("LOGIN_COOLOFF_MINUTES", 15, 1, 7 * 24 * 60)
AXES_COOLOFF_TIME = timedelta(minutes=LOGIN_COOLOFF_MINUTES)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "registry_project.security.logins.locked_out"
AXES_VERBOSE = False
AXES_USERNAME_CALLABLE = "registry_project.security.logins.name_to_record"
# Some people type their password there.
AXES_SENSITIVE_PARAMETERS = ["username"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
DEFAULT_EXCEPTION_REPORTER_FILTER = "registry_project.security.error_reports.ReportFilter"
