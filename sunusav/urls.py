"""Routes of the project. Each room brings its own; only the roof knows them all."""

from importlib import import_module

from django.apps import AppConfig, apps
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.utils.module_loading import module_has_submodule

ROOMS_WITH_API = ("ledger", "fees", "transfers", "payouts")


def _has_routes(room: AppConfig) -> bool:
    return module_has_submodule(room.module, "api") and module_has_submodule(
        import_module(f"{room.name}.api"), "urls"
    )


def _rooms() -> list[AppConfig]:
    return [apps.get_app_config(label) for label in ROOMS_WITH_API if apps.is_installed(label)]


urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("", include("sunusav.api.urls")),
    *[path("monetization/", include(f"{room.name}.api.urls")) for room in _rooms() if _has_routes(room)],
]

handler400 = "sunusav.api.pages.bad_request"
handler403 = "sunusav.api.pages.forbidden"
handler404 = "sunusav.api.pages.not_found"
handler500 = "sunusav.api.pages.server_error"
