from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "sunusav.core"
    label = "core"
    verbose_name = "Core"

    def ready(self) -> None:
        from sunusav.core import checks  # noqa: F401  (registers system checks)
