"""Routes of the project. Each room brings its own; only the roof knows them all."""

from importlib import import_module

from django.apps import apps
from django.urls import URLPattern, URLResolver, include, path
from django.utils.module_loading import module_has_submodule

ROOMS = ["ledger", "fees", "transfers", "payouts"]


def _room_routes() -> list[URLPattern | URLResolver]:
    """Include the `api/urls.py` of each installed room."""
    installed = [apps.get_app_config(label) for label in ROOMS if apps.is_installed(label)]
    return [
        path("monetization/", include(f"{config.name}.api.urls"))
        for config in installed
        if module_has_submodule(config.module, "api")
        and module_has_submodule(import_module(f"{config.name}.api"), "urls")
    ]


urlpatterns: list[URLPattern | URLResolver] = [*_room_routes()]
