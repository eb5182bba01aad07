from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "sunusav.demo"
    label = "demo"
    verbose_name = "Demo"
