"""The project: settings, routes, the Celery application and its schedule."""

from sunusav.celery import app as celery_app

__all__ = ["celery_app"]
