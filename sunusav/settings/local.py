"""Settings of `make run` and of development: embedded defaults, known keys, the demo room."""

import os
from pathlib import Path

import environ

# While the demo runs it leaves here how to reach it, so that `manage.py` works on the same database and node.
_STATE = os.environ.get("SUNUSAV_STATE_DIR") or Path(__file__).resolve().parent.parent.parent / ".run"
environ.Env.read_env(Path(_STATE) / "demo.env")

from sunusav.settings.base import *  # noqa: E402, F403  (a settings layer, after the demo's own)
from sunusav.settings.base import INSTALLED_APPS, STATE_DIR, env  # noqa: E402  (as above)

DEBUG = env.bool("DEBUG", default=False)
STATE_DIR.mkdir(parents=True, exist_ok=True)

# Known to everybody: production refuses them by name.
SECRET_KEY = env("SECRET_KEY", default="insecure-local-secret-key-known-to-everybody-0123456789")
INVOICE_PREIMAGE_KEY = env("INVOICE_PREIMAGE_KEY", default="11" * 32)
FIELD_ENCRYPTION_KEY = env("FIELD_ENCRYPTION_KEY", default="22" * 32)

INSTALLED_APPS = ["sandbox", *INSTALLED_APPS]
FALLBACK_RATE_MOVES_FRANCS = True
WHITENOISE_USE_FINDERS = True
STATIC_ROOT = None  # type: ignore[assignment]  # the finders serve what is not collected
