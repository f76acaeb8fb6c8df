import re

from django.views.debug import SafeExceptionReporterFilter


class ReportFilter(SafeExceptionReporterFilter):
    """URLs may hold a password."""

    hidden_settings = re.compile(
        rf"{SafeExceptionReporterFilter.hidden_settings.pattern}|BROKER|DATABASE|STORE_URL",
        flags=re.IGNORECASE,
    )
