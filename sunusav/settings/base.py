"""Settings shared by all environments. Secrets and addresses come from environment variables.

Business numbers (fees, limits, rates) are rows that change by approval, not settings.
"""

from pathlib import Path
from typing import Any

import environ
from corsheaders.defaults import default_headers
from csp.constants import NONCE
from django.templatetags.static import static

from sunusav.app_list import production_apps, submodules
from sunusav.core.calendar import DAKAR
from sunusav.core.periodic_tasks import DEFAULT_QUEUE
from sunusav.settings.database import database_settings

BASE_DIR = Path(__file__).resolve().parent.parent.parent

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

STATE_DIR = Path(env("SUNUSAV_STATE_DIR", default=str(BASE_DIR / ".run")))

DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CORS_ALLOWED_ORIGINS: list[str] = env.list("CORS_ORIGINS", default=[])
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key", "x-otp", "x-request-id"]
CORS_EXPOSE_HEADERS = ["idempotent-replayed", "retry-after", "x-request-id"]
CORS_URLS_REGEX = r"^/(monetization/|health$|openapi\.json$)"
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HOST = env("HOST", default="127.0.0.1")
PORT = env.int("PORT", default=8001)
# The public address of this service, for wallets and webhooks: never taken from the Host header of a request.
PUBLIC_BASE_URL = env("PUBLIC_BASE_URL", default=f"http://localhost:{PORT}")

# Our apps first, from the top layer down: Django takes templates and commands from the first app that has them.
INSTALLED_APPS = [
    *production_apps(),
    "django_celery_beat",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "djmoney",
    "knox",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "unfold.apps.BasicAppConfig",  # before Django's admin, whose templates it replaces
    "unfold.contrib.filters",
    "sunusav.backoffice.apps.BackofficeAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "sunusav.api.request_ids.RequestIdMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "sunusav.api.page_headers.PermissionsPolicy",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "sunusav.api.page_middleware.PageSession",
    "sunusav.api.page_middleware.PageLocale",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "sunusav.api.page_middleware.PageAuthentication",
    "sunusav.api.page_middleware.PageOtp",
    "sunusav.api.page_middleware.PageMessages",
    "sunusav.backoffice.page_headers.BackofficeHeaders",
    "sunusav.backoffice.session_limits.SessionLimits",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "sunusav.urls"
WSGI_APPLICATION = "sunusav.wsgi.application"
DEFAULT_EXCEPTION_REPORTER_FILTER = "sunusav.core.reporting.ReporterFilter"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": database_settings(
        env("MONETIZATION_DATABASE_URL", default=""), sqlite_file=STATE_DIR / "sunusav.sqlite3"
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "core.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", "Français"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "templates" / "locale"]
USE_I18N = True
USE_TZ = True
# Dakar is UTC+0 all year; the database runs in the same zone so that no engine needs time-zone tables.
TIME_ZONE = DAKAR.key

STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "static"

# Files that people asked for and download for a day, written by workers and read by the web process (on several
# machines: a shared volume). The web server serves nothing from here.
EXPORTS_DIR = STATE_DIR / "exports"
# Evidence that people attach to decisions, written and read by the web process, compared by the audit and cleaned up by
# workers (on several machines: a shared volume). It belongs to the database: back both up together.
ATTACHMENTS_DIR = STATE_DIR / "attachments"

# The look of the back office. The menu is made by sunusav.backoffice.navigation.
UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "SunuSàv",
    "SITE_HEADER": "SunuSàv",
    "SITE_URL": None,
    "SITE_SYMBOL": "savings",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("backoffice/favicon.svg")},
    ],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "LANGUAGES": {"action": "sunusav.backoffice.navigation.language_url"},
    "BORDER_RADIUS": "6px",
    "COLORS": {
        # A green of 4.5:1 and more on white from 600 on, on the dark ground from 500 on.
        "primary": {
            "50": "#effaf4",
            "100": "#d8f3e3",
            "200": "#b4e6cb",
            "300": "#83d2ac",
            "400": "#4fb787",
            "500": "#2c9c6b",
            "600": "#1b7f4b",
            "700": "#176540",
            "800": "#155136",
            "900": "#12432e",
            "950": "#09251a",
        },
    },
    "SIDEBAR": {"show_search": False, "show_all_applications": False},
    "ACCOUNT": {"navigation": "sunusav.backoffice.security.account_links"},
}

CURRENCIES = ("XOF",)
DEFAULT_CURRENCY = "XOF"

# Requests
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 10
# The most that an attachment may have, and the most that arrives of any file: each form accepts as much, or less.
ATTACHMENT_MOST_BYTES = 5 * 1024 * 1024
UPLOAD_MOST_BYTES = 10_000_000
FILE_UPLOAD_HANDLERS = [
    "sunusav.core.upload_handlers.LimitedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["sunusav.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["sunusav.api.permissions.DenyAll"],
    "DEFAULT_PARSER_CLASSES": ["sunusav.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["sunusav.api.renderers.ExactJSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "sunusav.api.documentation.ApiSchema",
    "EXCEPTION_HANDLER": "sunusav.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "DEFAULT_THROTTLE_RATES": {
        "anonymous": "60/min",
        "client": "6000/min",
        "login": "10/min",
        "refused_webhook": "60/min",
    },
    "COERCE_DECIMAL_TO_STRING": True,
    "NUM_PROXIES": env.int("NUM_PROXIES", default=0),
}
REST_KNOX = {
    "TOKEN_TTL": None,
    "AUTH_HEADER_PREFIX": "Token",
    "AUTO_REFRESH": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "SunuSàv monetization",
    "DESCRIPTION": "Fees, payouts, rates and conversions of the SunuSàv tontine platform.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [],  # enumerations are described where they are used
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
}

# Celery: messages only wake workers. A lost or repeated message changes latency, never money.
CELERY_BROKER_URL = env("CELERY_BROKER_URL", default="redis://127.0.0.1:6380/0")
CELERY_RESULT_BACKEND = env("CELERY_RESULT_BACKEND", default=CELERY_BROKER_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = TIME_ZONE
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Redeliver a killed worker's message soon: by default kombu waits an hour and scans rarely.
    "visibility_timeout": 900,
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
    # A wake-up must never delay a request when the broker is unavailable.
    "socket_connect_timeout": 1,
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
    "socket_timeout": 30,
}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TASK_DEFAULT_QUEUE = DEFAULT_QUEUE
# Tasks without a schedule run on the default queue.
CELERY_TASK_ROUTES = {
    task.task: {"queue": task.queue} for module in submodules("schedule") for task in module.SCHEDULE
} | {
    name: {"queue": queue}
    for module in submodules("schedule")
    for name, queue in getattr(module, "ALIASES", {}).items()
}

CACHES: dict[str, dict[str, Any]] = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# Plug-ins, by dotted path.
RAILS = {"lightning": "lightning.rail.LightningRail"}
COLLECTORS = {"lightning": "lightning.collector.LightningCollector"}
# Mobile-money partners: a package each, with a rail, a collector and webhooks that are named after it. PARTNERS lists
# those that this installation uses.
PARTNER_PACKAGES = {"wave": "partners.wave", "orange": "partners.orange", "mtn": "partners.mtn"}
PARTNERS: list[str] = env.list("PARTNERS", default=[])
RAILS |= {name: f"{PARTNER_PACKAGES[name]}.rail.{name.title()}Rail" for name in PARTNERS}
COLLECTORS |= {name: f"{PARTNER_PACKAGES[name]}.collector.{name.title()}Collector" for name in PARTNERS}
# The code that a winner scans to claim a payout, by rail.
WITHDRAWAL_CODES = {"lightning": "lightning.withdrawal_codes.withdrawal_code"}
RATE_SOURCES: list[str] = [
    "ledger.rates.sources.Coinbase",
    "ledger.rates.sources.Kraken",
    "ledger.rates.sources.Bitstamp",
]

# How long `payouts/process` waits for the worker before it responds with 202.
PAYOUT_WAIT_SECONDS = 5
# How many requests of one web process may wait like this: at most half of its threads, so that others are served.
PAYOUT_WAITERS = 8

# Lightning
LND_HOST = env("LND_HOST", default="localhost:10009")
LND_NETWORK = env("LND_NETWORK", default="regtest")
LND_TLS_CERT_PATH = env("LND_TLS_CERT_PATH", default="")
LND_PAYING_MACAROON_PATH = env("LND_PAYING_MACAROON_PATH", default="")
LND_INVOICING_MACAROON_PATH = env("LND_INVOICING_MACAROON_PATH", default="")
LND_READONLY_MACAROON_PATH = env("LND_READONLY_MACAROON_PATH", default="")
# Instead of paths, on platforms that provide secrets as environment variables.
LND_PAYING_MACAROON_HEX = env("LND_PAYING_MACAROON_HEX", default="")
LND_INVOICING_MACAROON_HEX = env("LND_INVOICING_MACAROON_HEX", default="")
LND_READONLY_MACAROON_HEX = env("LND_READONLY_MACAROON_HEX", default="")
# Only the worker of the queue `payouts` may pay: a web process that has one of these does not start.
NEVER_IN_WEB = ["LND_PAYING_MACAROON_PATH", "LND_PAYING_MACAROON_HEX"]
# Partners' secrets that pay, too. Here is only whether each is set: error pages show the values of some settings.
WAVE_API_KEY, WAVE_SIGNING_SECRET = (
    bool(env("WAVE_API_KEY", default="")),
    bool(env("WAVE_SIGNING_SECRET", default="")),
)
ORANGE_PIN = bool(env("ORANGE_PIN", default=""))
MTN_API_KEY, MTN_SUBSCRIPTION_KEY = (
    bool(env("MTN_API_KEY", default="")),
    bool(env("MTN_SUBSCRIPTION_KEY", default="")),
)
NEVER_IN_WEB += ["WAVE_API_KEY", "WAVE_SIGNING_SECRET", "ORANGE_PIN", "MTN_API_KEY", "MTN_SUBSCRIPTION_KEY"]
# Needed only when LND_HOST is not among the names in the node's certificate.
LND_TLS_SERVER_NAME = env("LND_TLS_SERVER_NAME", default="")
# How long the node tries new routes for a payment; the worker waits for the result 15 s longer.
LND_PAYMENT_TIMEOUT_SECONDS = env.int("LND_PAYMENT_TIMEOUT_SECONDS", default=60)

# Hosts on this machine (`127.0.0.1:8010`) that addresses from others may name although they are not public, without
# TLS: for tests and the sandbox; production must have none.
ALLOWED_LOOPBACK_HOSTS: list[str] = env.list("ALLOWED_LOOPBACK_HOSTS", default=[])

# Master keys that only decrypt, until `manage.py rotate_keys` has left nothing under them.
FIELD_ENCRYPTION_OLD_KEYS: list[str] = env.list("FIELD_ENCRYPTION_OLD_KEYS", default=[])

# Rates
FALLBACK_BTC_XOF_RATE = env("FALLBACK_BTC_XOF_RATE", default="8000000")
FALLBACK_RATE_MOVES_FRANCS = env.bool("FALLBACK_RATE_MOVES_FRANCS", default=False)

# Webhooks to the platform; without a URL no messages are queued.
PLATFORM_WEBHOOK_URL = env("PLATFORM_WEBHOOK_URL", default="")
PLATFORM_WEBHOOK_SECRET = env("PLATFORM_WEBHOOK_SECRET", default="")

# Whether approving, publishing, resuming and the like always require a fresh one-time code (in production they do).
SECOND_FACTOR_REQUIRED = env.bool("SECOND_FACTOR_REQUIRED", default=False)
# How long a session of the back office needs no further code after one was accepted. By API each call has its own.
SECOND_FACTOR_FRESH_SECONDS = 5 * 60
OTP_TOTP_ISSUER = "SunuSàv"
# Wrong codes are counted in sunusav.core.second_factor. The device's own delay doubles with each of them, so that
# anybody who knows a password could lock its owner out for hours.
OTP_TOTP_THROTTLE_FACTOR = 0
OTP_STATIC_THROTTLE_FACTOR = 0
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
OTP_ADMIN_HIDE_SENSITIVE_DATA = True

LOG_LEVEL = env("LOG_LEVEL", default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "sunusav.api.request_ids.RequestIdFilter"},
        "secret_paths": {"()": "sunusav.api.log_paths.SecretPathFilter"},
    },
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]}
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        # With DEBUG, Django logs every statement with its values: names, phones, invoices and addresses among them.
        "django.db.backends": {"level": "INFO"},
        # It logs the path and query of every call: partners want phones in them.
        "urllib3": {"level": "INFO"},
        # It reports each table of a font that it embeds.
        "fontTools": {"level": "WARNING"},
        # The URL of a withdrawal link, or of a receipt, contains its secret.
        "django.request": {"filters": ["secret_paths"]},
        "django.server": {"filters": ["secret_paths"]},
    },
}

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Only the listed sources are allowed. Pages that need more say so themselves: the back office, the API's documentation.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "style-src": ["'self'", NONCE],
        "img-src": ["'self'", "data:"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
SESSION_COOKIE_HTTPONLY = True
# Sessions of the back office end after this time without use, and after this time in any case.
SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_SECONDS", default=30 * 60)
SESSION_ABSOLUTE_SECONDS = env.int("SESSION_ABSOLUTE_SECONDS", default=10 * 60 * 60)
SESSION_COOKIE_AGE = SESSION_ABSOLUTE_SECONDS
