from django.apps import AppConfig


class LightningConfig(AppConfig):
    name = "lightning"
    verbose_name = "Lightning"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from lightning import checks  # noqa: F401  (registers system checks)
