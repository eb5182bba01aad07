"""Replaces the admins that packages register, and translates the names that packages leave in English.

Their admins are imported here first, so that Django's later discovery does not register them again.
"""

from typing import Any

import django.contrib.auth.admin  # noqa: F401
import django_celery_beat.admin  # noqa: F401
import django_otp.plugins.otp_static.admin
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
# Texts of unfold's templates and widgets, which has no French.
UNFOLD_TEXTS = [
    gettext_noop("Action"), gettext_noop("After you've created a user, you’ll be able to edit more user options."),
    gettext_noop("Apply Filters"), gettext_noop("Cancel"), gettext_noop("Choose file to upload"),
    gettext_noop("Click to cancel"), gettext_noop("Click to download"), gettext_noop("Dark"), gettext_noop("Date"),
    gettext_noop("Date from"), gettext_noop("Date to"), gettext_noop("Expand row"), gettext_noop("False"),
    gettext_noop("From"), gettext_noop("General"), gettext_noop("Go back"), gettext_noop("Image preview"),
    gettext_noop("Light"), gettext_noop("Loading more results..."), gettext_noop("More actions"),
    gettext_noop("No data"), gettext_noop("No results found"), gettext_noop("No results matching your query"),
    gettext_noop("Not enough data."),
    gettext_noop(
        "Raw passwords are not stored, so there is no way to see this user’s password, but you can change the password"
        ' using <a href="{}" class="text-primary-600 dark:text-primary-500">this form</a>.'
    ), gettext_noop("Reset filters"),
    gettext_noop("Return to site"), gettext_noop("Run"), gettext_noop("Search apps and models..."),
    gettext_noop("Select action"), gettext_noop("Select action to run"), gettext_noop("Select all rows"),
    gettext_noop("Select currency"), gettext_noop("Select record"), gettext_noop("Select value"),
    gettext_noop("Submit"), gettext_noop("System"), gettext_noop("This item will be deleted."),
    gettext_noop("This page yielded into no results. Create a new item or reset your filters."),
    gettext_noop("Toggle password visibility"), gettext_noop("True"), gettext_noop("Type to search"),
    gettext_noop("Value"), gettext_noop("You have been successfully logged out from the administration"),
    gettext_noop(" By %(filter_title)s "), gettext_noop("Add another %(model)s"), gettext_noop("Add %(name)s"),
    gettext_noop("Change selected %(model)s"), gettext_noop("Delete selected %(model)s"),
    gettext_noop("View selected %(model)s"),
    gettext_noop("Enter a new password for the user <strong>%(username)s</strong>."),
    gettext_noop("Sorting priority: %(priority_number)s"),
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
