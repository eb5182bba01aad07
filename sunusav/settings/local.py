"""Settings of `make run` and of development: embedded defaults, known keys, the demo room."""

from sunusav.settings.base import *  # noqa: F403  (a settings layer)
from sunusav.settings.base import INSTALLED_APPS, STATE_DIR, env

DEBUG = env.bool("DEBUG", default=False)
STATE_DIR.mkdir(parents=True, exist_ok=True)

# Known to everybody: production refuses them by name.
SECRET_KEY = env("SECRET_KEY", default="insecure-local-secret-key-known-to-everybody-0123456789")
INVOICE_PREIMAGE_KEY = env("INVOICE_PREIMAGE_KEY", default="11" * 32)
FIELD_ENCRYPTION_KEY = env("FIELD_ENCRYPTION_KEY", default="22" * 32)

INSTALLED_APPS = ["sunusav.demo", *INSTALLED_APPS]
FALLBACK_RATE_MOVES_FRANCS = True
WHITENOISE_USE_FINDERS = True
STATIC_ROOT = None  # type: ignore[assignment]  # the finders serve what is not collected
