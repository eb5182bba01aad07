"""System checks of core refuse unsafe settings."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from sunusav.core import checks

pytestmark = pytest.mark.each_leg


def test_private_folder_that_is_served_is_refused(settings: Any, tmp_path: Path) -> None:
    settings.EXPORTS_DIR, settings.ATTACHMENTS_DIR = tmp_path / "exports", tmp_path / "static-files"
    settings.STATIC_ROOT, settings.MEDIA_ROOT = tmp_path / "static", ""
    assert checks.private_folders_are_not_served(None) == []

    settings.ATTACHMENTS_DIR = tmp_path / "x" / ".." / "static" / "attachments"
    assert [error.id for error in checks.private_folders_are_not_served(None)] == ["sunusav.E011"]
    settings.MEDIA_ROOT = str(tmp_path)
    assert [error.id for error in checks.private_folders_are_not_served(None)] == ["sunusav.E011"] * 2


def test_published_secrets_are_refused(settings: Any) -> None:
    assert checks.secrets_are_not_known(None) == []
    settings.SECRET_KEY = "insecure-local-secret-key-known-to-everybody-0123456789"
    settings.FIELD_ENCRYPTION_KEY = "22" * 32
    found = checks.secrets_are_not_known(None)
    assert [error.id for error in found] == ["sunusav.E001", "sunusav.E001"]


def test_mysql_in_another_time_zone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    database = {"ENGINE": "django.db.backends.mysql", "TIME_ZONE": "UTC"}
    monkeypatch.setitem(django_settings.DATABASES, "default", database)
    assert [error.id for error in checks.database_time_zone_is_ours(None)] == ["sunusav.E002"]
    database["TIME_ZONE"] = "Africa/Dakar"
    assert checks.database_time_zone_is_ours(None) == []


def test_broker_that_forgets_killed_workers_is_refused(settings: Any) -> None:
    assert checks.broker_redelivers_soon(None) == []
    for options in (
        {},
        {"visibility_timeout": 901, "unacked_restore_interval": 2},
        {"visibility_timeout": 60},
    ):
        settings.CELERY_BROKER_TRANSPORT_OPTIONS = options
        assert [error.id for error in checks.broker_redelivers_soon(None)] == ["sunusav.E003"]


def test_key_of_another_length_is_refused(settings: Any) -> None:
    assert checks.keys_have_their_length(None) == []
    for key in ("", "zz" * 32, "11" * 31):
        settings.INVOICE_PREIMAGE_KEY = key
        assert [error.id for error in checks.keys_have_their_length(None)] == ["sunusav.E004"]


@pytest.mark.parametrize(
    ("old", "found"),
    [
        (["55" * 32], []),
        (["55" * 31], ["sunusav.E009"]),
        (["zz" * 32], ["sunusav.E009"]),
        ([""], ["sunusav.E009"]),
        (["44" * 32], ["sunusav.E010"]),
        (["AB" * 32, "ab" * 32], ["sunusav.E010"]),
    ],
)
def test_old_keys_that_are_malformed_or_equal_are_refused(
    settings: Any, old: list[str], found: list[str]
) -> None:
    settings.FIELD_ENCRYPTION_OLD_KEYS = old
    assert [error.id for error in checks.old_keys_are_whole_and_differ(None)] == found


def test_loopback_hosts_for_untrusted_http_are_refused(settings: Any) -> None:
    assert checks.untrusted_hosts_are_never_loopback(None) == []
    settings.ALLOWED_LOOPBACK_HOSTS = ["127.0.0.1:8010"]
    assert [error.id for error in checks.untrusted_hosts_are_never_loopback(None)] == ["sunusav.E007"]


@pytest.mark.parametrize("installed", [["sandbox"], []])
def test_sandbox_installed_or_importable_is_refused(settings: Any, installed: list[str]) -> None:
    settings.INSTALLED_APPS = installed

    assert [error.id for error in checks.sandbox_is_absent(None)] == ["sunusav.E008"]
