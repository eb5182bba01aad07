"""WSGI entry point (granian or any WSGI server)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sunusav.settings.production")

application = get_wsgi_application()
