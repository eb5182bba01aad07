"""The project: settings, routes, the Celery application and its schedule. Rooms are listed in HOUSE order in `settings/base.py`."""

from sunusav.celery import app as celery_app

__all__ = ["celery_app"]
