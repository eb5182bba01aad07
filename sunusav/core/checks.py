"""System checks of secrets, loopback hosts, the database time zone, broker options, keys and private folders."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from sunusav.app_list import SANDBOX

KNOWN_SECRETS = {"insecure-local-secret-key-known-to-everybody-0123456789", "11" * 32, "22" * 32}
REDELIVERED_WITHIN_SECONDS = 900
KEY_BYTES = 32


@register(Tags.security, deploy=True)
def secrets_are_not_known(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse the secrets that the project's own files contain."""
    names = ("SECRET_KEY", "INVOICE_PREIMAGE_KEY", "FIELD_ENCRYPTION_KEY")
    return [
        Error(f"{name} is a default known to everybody.", id="sunusav.E001")
        for name in names
        if getattr(settings, name, "") in KNOWN_SECRETS
    ]


@register(Tags.security, deploy=True)
def untrusted_hosts_are_never_loopback(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Refuse loopback hosts among the addresses that others give us: they are for tests and the sandbox."""
    if settings.ALLOWED_LOOPBACK_HOSTS:
        return [Error("ALLOWED_LOOPBACK_HOSTS must be empty.", id="sunusav.E007")]
    return []


@register(Tags.security, deploy=True)
def sandbox_is_absent(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse the simulated node and the demo's data, whether installed or only importable."""
    if SANDBOX in settings.INSTALLED_APPS or find_spec(SANDBOX):
        return [
            Error(
                "The package `sandbox` is present: it simulates providers and seeds known data.",
                hint="Deploy the image, or delete the folder `sandbox` from the deployment.",
                id="sunusav.E008",
            )
        ]
    return []


@register(Tags.database)
def database_time_zone_is_ours(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Require equal time zones: MySQL without time-zone tables answers date look-ups wrongly when they differ."""
    database = settings.DATABASES["default"]
    if "mysql" in database["ENGINE"] and database.get("TIME_ZONE") != settings.TIME_ZONE:
        return [Error("DATABASES TIME_ZONE must equal TIME_ZONE.", id="sunusav.E002")]
    return []


@register()
def broker_redelivers_soon(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Require that a killed worker's message is redelivered within minutes, not after kombu's default of an hour."""
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    if (
        options.get("visibility_timeout", 3600) > REDELIVERED_WITHIN_SECONDS
        or "unacked_restore_interval" not in options
    ):
        return [Error("Celery broker options lose killed workers' messages for an hour.", id="sunusav.E003")]
    return []


@register()
def keys_have_their_length(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Require both keys to be 32 bytes in hexadecimal."""
    return [
        Error(f"{name} must be 64 hexadecimal digits.", id="sunusav.E004")
        for name in ("INVOICE_PREIMAGE_KEY", "FIELD_ENCRYPTION_KEY")
        if not _is_key(getattr(settings, name, ""))
    ]


@register()
def old_keys_are_whole_and_differ(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Require each old master key to be 32 bytes in hexadecimal, and all master keys to differ."""
    old = settings.FIELD_ENCRYPTION_OLD_KEYS
    found: list[CheckMessage] = []
    if not all(_is_key(key) for key in old):
        found.append(
            Error("FIELD_ENCRYPTION_OLD_KEYS must be 64 hexadecimal digits each.", id="sunusav.E009")
        )
    keys = [key.strip().lower() for key in (settings.FIELD_ENCRYPTION_KEY, *old)]
    if len(set(keys)) < len(keys):
        message = "FIELD_ENCRYPTION_KEY and FIELD_ENCRYPTION_OLD_KEYS have a key twice."
        found.append(Error(message, hint="An old key is none that is new.", id="sunusav.E010"))
    return found


@register()
def private_folders_are_not_served(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Refuse folders of exports and attachments below a folder that a web server may serve."""
    served = [Path(root).resolve() for root in (settings.STATIC_ROOT, settings.MEDIA_ROOT) if root]
    return [
        Error(f"{name} must not be below STATIC_ROOT or MEDIA_ROOT.", id="sunusav.E011")
        for name in ("EXPORTS_DIR", "ATTACHMENTS_DIR")
        if any(Path(getattr(settings, name)).resolve().is_relative_to(root) for root in served)
    ]


def _is_key(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == KEY_BYTES
    except ValueError:
        return False


def require_web_holds_no_worker_secrets() -> None:
    """Stop a web process that holds a worker's secrets: it is the process that untrusted clients reach.

    Called by the WSGI entry point: a system check could not know in which process it runs.
    Raises: ImproperlyConfigured.
    """
    held = [name for name in settings.NEVER_IN_WEB if getattr(settings, name)]
    if held:
        raise ImproperlyConfigured(
            f"{', '.join(held)} is set in a web process: unset it here, and set it for the worker of the queue "
            "`payouts` alone."
        )
