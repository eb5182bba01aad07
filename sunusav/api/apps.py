from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "sunusav.api"
    label = "api"
    verbose_name = "API"

    def ready(self) -> None:
        from sunusav.api import checks  # noqa: F401  (registers system checks)
