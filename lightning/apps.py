from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LightningConfig(AppConfig):
    name = "lightning"
    verbose_name = _("Lightning")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from lightning import checks  # noqa: F401  (registers system checks)
