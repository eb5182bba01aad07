from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PartnersConfig(AppConfig):
    name = "partners"
    verbose_name = _("Mobile-money partners")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from partners import address_checks  # noqa: F401  (registers system checks)
        from partners.mtn import checks as mtn_checks  # noqa: F401  (registers system checks)
        from partners.wave import checks as wave_checks  # noqa: F401  (registers system checks)
