"""Replaces the admins that packages register, and translates the names that packages leave in English.

Their admins are imported here first, so that Django's later discovery does not register them again.
"""

from typing import Any

import django.contrib.auth.admin  # noqa: F401
import django_celery_beat.admin  # noqa: F401
import django_otp.plugins.otp_totp.admin  # noqa: F401
import knox.admin  # noqa: F401
from django.contrib import admin
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

# Names in packages that have no French of their own: makemessages finds them here.
NAMES = [
    gettext_noop("Knox"), gettext_noop("auth token"), gettext_noop("auth tokens"), gettext_noop("created"),
    gettext_noop("expiry"), gettext_noop("token key"), gettext_noop("Otp_Totp"), gettext_noop("TOTP device"),
    gettext_noop("TOTP devices"), gettext_noop("confirmed"), gettext_noop("last used at"),
    gettext_noop("throttling failure count"), gettext_noop("Periodic Tasks"), gettext_noop("periodic task"),
    gettext_noop("periodic tasks"), gettext_noop("Task Name"), gettext_noop("crontabs"), gettext_noop("intervals"),
    gettext_noop("date joined"), gettext_noop("active"), gettext_noop("ID"),
]  # fmt: skip


def unregister_models(*models: type[Model]) -> None:
    """Unregister the admins of packages for these models; the caller registers its own."""
    for model in models:
        _translate_names(model)
        if admin.site.is_registered(model):
            admin.site.unregister(model)


def _translate_names(model: type[Model]) -> None:
    meta = model._meta
    if not isinstance(meta.verbose_name, Promise):
        # The plural first: Django derives it from the singular.
        meta.verbose_name_plural = _(str(meta.verbose_name_plural))
    for named in (meta, meta.app_config, *meta.local_fields):
        _translate_name(named)


def _translate_name(named: Any) -> None:
    if not isinstance(named.verbose_name, Promise):
        named.verbose_name = _(str(named.verbose_name))
