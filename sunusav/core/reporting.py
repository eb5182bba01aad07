"""What a report of an error shows of our settings."""

import re

from django.views.debug import SafeExceptionReporterFilter


class ReporterFilter(SafeExceptionReporterFilter):
    """Hide, beside what Django hides, macaroons given as text and addresses that carry a password."""

    hidden_settings = re.compile(
        SafeExceptionReporterFilter.hidden_settings.pattern + "|MACAROON|_URL$", re.IGNORECASE
    )
