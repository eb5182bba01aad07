from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "sunusav.api"
    label = "api"
    verbose_name = "API"
