"""WSGI entry point (granian or any WSGI server)."""

import os

from django.core.wsgi import get_wsgi_application

from sunusav.core.checks import require_web_holds_no_worker_secrets

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sunusav.settings.production")

application = get_wsgi_application()
require_web_holds_no_worker_secrets()
