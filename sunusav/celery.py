"""The Celery application. Messages only wake workers: the list of work is always a table."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sunusav.settings.local")

app = Celery("sunusav")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# By its path: it is imported by a worker, once Django's apps are loaded.
app.steps["worker"].add("sunusav.core.watched_tasks:WatchedTasksStep")
