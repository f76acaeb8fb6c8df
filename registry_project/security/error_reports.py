"""What Django's reports of errors leave out."""

import re

from django.views.debug import SafeExceptionReporterFilter


class ReportFilter(SafeExceptionReporterFilter):
    """Django's, and the URLs too in which a password may stand."""

    hidden_settings = re.compile(
        rf"{SafeExceptionReporterFilter.hidden_settings.pattern}|BROKER|DATABASE|STORE_URL",
        flags=re.IGNORECASE,
    )
