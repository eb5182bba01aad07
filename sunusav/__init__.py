"""The project: settings, routes, the Celery application and the list of apps."""

from sunusav.celery import app as celery_app

__all__ = ["celery_app"]
