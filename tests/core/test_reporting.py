"""Error reports hide the secrets with which their reader could pay."""

import pytest
from django.conf import settings
from django.test import RequestFactory, override_settings
from django.views.debug import SafeExceptionReporterFilter, get_exception_reporter_filter

from sunusav.core.reporting import ReporterFilter


@pytest.mark.parametrize(
    "name", ["LND_PAYING_MACAROON_HEX", "LND_READONLY_MACAROON_HEX", "CELERY_BROKER_URL", "SECRET_KEY"]
)
def test_report_hides_the_setting(name: str) -> None:
    with override_settings(**{name: "0201036c6e64"}):
        shown = get_exception_reporter_filter(RequestFactory().get("/")).get_safe_settings()
    assert shown[name] == SafeExceptionReporterFilter.cleansed_substitute


def test_report_shows_other_settings() -> None:
    assert ReporterFilter().get_safe_settings()["LND_NETWORK"] == settings.LND_NETWORK
