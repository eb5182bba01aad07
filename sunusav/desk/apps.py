from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class DeskConfig(AppConfig):
    """Templates, tags and commands of the back-office."""

    name = "sunusav.desk"
    label = "desk"
    verbose_name = _("Desk")


class DeskAdminConfig(admin_apps.AdminConfig):
    """Django's admin with our site as the default one, so that rooms register with `@admin.register`."""

    default = False  # DeskConfig is this module's own; settings name this one
    default_site = "sunusav.desk.site.DeskSite"

    def ready(self) -> None:
        from django.contrib import admin

        from sunusav.desk.naming import make_names_translatable

        super().ready()
        make_names_translatable(admin.site)
