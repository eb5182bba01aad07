"""Replaces the admins that packages register.

They are imported here first, so that Django's later discovery does not register them again.
"""

import django.contrib.auth.admin  # noqa: F401
import django_celery_beat.admin  # noqa: F401
import django_otp.plugins.otp_totp.admin  # noqa: F401
import knox.admin  # noqa: F401
from django.contrib import admin
from django.db.models import Model


def unregister_models(*models: type[Model]) -> None:
    """Unregister the admins of packages for these models; the caller registers its own."""
    for model in models:
        if admin.site.is_registered(model):
            admin.site.unregister(model)
