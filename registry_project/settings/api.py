from registry_project.version import VERSION

REST_FRAMEWORK = {
    # The first one's WWW-Authenticate goes with every 401.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "agents.api.authentication.AccessTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "agents.api.negotiation.Negotiation",
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "registry_project.endpoints.browsable_api.BrowsableAPI",
    ],
    "DEFAULT_PARSER_CLASSES": ["agents.api.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["agents.api.throttling.RateThrottle"],
    "EXCEPTION_HANDLER": "agents.problems.responses.problem_response",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Agent registry",
    "DESCRIPTION": "Which agents live, where, and what they can do.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    # JavaScript: registry_project/docs.js has the plugin.
    "SWAGGER_UI_SETTINGS": "{deepLinking: true, plugins: [accessibleNames]}",
    "COMPONENT_SPLIT_REQUEST": True,
    "PREPROCESSING_HOOKS": ["agents.api.openapi.without_slashes"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "agents.api.openapi.mark_optional_tokens",
        "agents.api.openapi.add_rate_refusals",
        "agents.api.openapi.make_fields_optional",
    ],
    "SERVE_AUTHENTICATION": [],
    "ENUM_NAME_OVERRIDES": {
        "AgentProbe": "agents.states.Probe",
        "AgentState": "agents.states.State",
        "AgentStatus": "agents.states.Status",
    },
}
