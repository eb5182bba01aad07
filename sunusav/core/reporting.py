"""Which settings Django's error reports hide."""

import re

from django.views.debug import SafeExceptionReporterFilter


class ReporterFilter(SafeExceptionReporterFilter):
    """Hide, besides what Django hides, macaroons given as text and URLs, which may contain a password."""

    hidden_settings = re.compile(
        SafeExceptionReporterFilter.hidden_settings.pattern + "|MACAROON|_URL$", re.IGNORECASE
    )
