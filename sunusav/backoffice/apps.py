from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class BackofficeConfig(AppConfig):
    """Templates, tags and commands of the back office."""

    name = "sunusav.backoffice"
    label = "backoffice"
    verbose_name = _("Back office")


class BackofficeAdminConfig(admin_apps.AdminConfig):
    """Django's admin with our site as the default one, so that apps register with `@admin.register`."""

    default = False  # BackofficeConfig is the default of this module; the settings name this one
    default_site = "sunusav.backoffice.site.BackofficeSite"
