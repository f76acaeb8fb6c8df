"""Which settings Django's error reports hide."""

import re

from django.views.debug import SafeExceptionReporterFilter


class ReportFilter(SafeExceptionReporterFilter):
    """Hides URLs that may hold a password, too."""

    hidden_settings = re.compile(
        rf"{SafeExceptionReporterFilter.hidden_settings.pattern}|BROKER|DATABASE|STORE_URL",
        flags=re.IGNORECASE,
    )
