"""Settings of `make run`, development and compose: embedded defaults, known keys, the sandbox where it is present."""

import os
from importlib.util import find_spec
from pathlib import Path

import environ

# While the demo runs, this file holds its addresses, so that `manage.py` works on the same database and node.
_STATE = os.environ.get("SUNUSAV_STATE_DIR") or Path(__file__).resolve().parent.parent.parent / ".run"
environ.Env.read_env(Path(_STATE) / "demo.env")

from sunusav.app_list import SANDBOX  # noqa: E402  (as below)
from sunusav.settings.base import *  # noqa: E402, F403  (a settings layer, read after demo.env)
from sunusav.settings.base import INSTALLED_APPS, RATE_SOURCES, STATE_DIR, env  # noqa: E402  (as above)

DEBUG = env.bool("DEBUG", default=False)
STATE_DIR.mkdir(parents=True, exist_ok=True)

# Published with the source: production refuses these values.
SECRET_KEY = env("SECRET_KEY", default="insecure-local-secret-key-known-to-everybody-0123456789")
INVOICE_PREIMAGE_KEY = env("INVOICE_PREIMAGE_KEY", default="11" * 32)
FIELD_ENCRYPTION_KEY = env("FIELD_ENCRYPTION_KEY", default="22" * 32)

# The container image, which compose runs with these settings, is built without it.
if find_spec(SANDBOX):
    INSTALLED_APPS = [SANDBOX, *INSTALLED_APPS]
FALLBACK_RATE_MOVES_FRANCS = True
# The demo quotes itself.
RATE_SOURCES = env.list("RATE_SOURCES", default=RATE_SOURCES)
# Tokens of partners and throttles are shared between processes where there is a Redis.
if CACHE_URL := env("CACHE_URL", default=""):
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": CACHE_URL}}
WHITENOISE_USE_FINDERS = True
STATIC_ROOT = None  # type: ignore[assignment]  # the finders serve what is not collected
