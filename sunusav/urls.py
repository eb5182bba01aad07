"""Routes of the project. Each room brings its own; only the roof knows them all."""

from importlib import import_module

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path


def _api_of(*apps: str) -> list[URLPattern]:
    """Return the rooms' API routes as one list: a resolver for each room would be searched by every request."""
    return [route for room in apps for route in import_module(f"{room}.api.urls").urlpatterns]


urlpatterns: list[URLPattern | URLResolver] = [
    path("monetization/", include(_api_of("fees", "payouts", "ledger"))),
    path("", include("sunusav.api.urls")),
    path("lnurl/", include("lightning.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "sunusav.api.pages.bad_request"
handler403 = "sunusav.api.pages.forbidden"
handler404 = "sunusav.api.pages.not_found"
handler500 = "sunusav.api.pages.server_error"
