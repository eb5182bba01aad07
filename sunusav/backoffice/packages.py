"""Takes the place of what packages registered in the admin.

Their admins are imported here first, so that a later discovery finds nothing left to register.
"""

import django.contrib.auth.admin  # noqa: F401
import django_celery_beat.admin  # noqa: F401
import django_otp.plugins.otp_totp.admin  # noqa: F401
import knox.admin  # noqa: F401
from django.contrib import admin
from django.db.models import Model


def unregister_models(*models: type[Model]) -> None:
    """Unregister what packages registered for these models; the caller registers what the desk wants instead."""
    for model in models:
        if admin.site.is_registered(model):
            admin.site.unregister(model)
