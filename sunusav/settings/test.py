"""Settings of the tests: fast password hashing, no external services, a database chosen by `tests.support.leg`."""

import os
from pathlib import Path
from tempfile import gettempdir

from sunusav.settings.base import *  # noqa: F403  (a settings layer)
from sunusav.settings.base import REST_FRAMEWORK, env
from sunusav.settings.database import database_settings

SECRET_KEY = "test-secret-key-0123456789-0123456789-0123456789-0123456789"  # noqa: S105  (tests only)
INVOICE_PREIMAGE_KEY = "33" * 32
FIELD_ENCRYPTION_KEY = "44" * 32
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["*"]

DATABASES = {
    "default": database_settings(
        env("MONETIZATION_DATABASE_URL", default=""),
        sqlite_file=Path(gettempdir()) / f"sunusav-test-{os.getpid()}.sqlite3",
    )
}
DATABASES["default"]["CONN_MAX_AGE"] = 0

REST_FRAMEWORK = {
    **REST_FRAMEWORK,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "DEFAULT_THROTTLE_RATES": {"anonymous": None, "client": None, "login": None},
}
RATE_SOURCES = []
CELERY_BROKER_URL = env("CELERY_BROKER_URL", default="memory://")
CELERY_RESULT_BACKEND = "cache+memory://"
FALLBACK_RATE_MOVES_FRANCS = True
STATIC_ROOT = None  # type: ignore[assignment]  # nothing is collected here
EXPORTS_DIR = Path(gettempdir()) / f"sunusav-test-{os.getpid()}-exports"
ATTACHMENTS_DIR = Path(gettempdir()) / f"sunusav-test-{os.getpid()}-attachments"
LANGUAGE_CODE = "en"
PAYOUT_WAIT_SECONDS = 0
