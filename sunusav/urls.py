"""Routes of the project: the API of each app under `monetization/`, the other pages of each app, and the admin."""

from types import ModuleType

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from sunusav.app_list import submodules


def _routes_of(*modules: ModuleType) -> list[URLPattern | URLResolver]:
    """Return the modules' routes as one list: a resolver per app would slow down every request."""
    return [route for module in modules for route in module.urlpatterns]


urlpatterns: list[URLPattern | URLResolver] = [
    path("monetization/", include(_routes_of(*submodules("api.urls")))),
    path("", include(_routes_of(*submodules("urls")))),
    path("admin/", admin.site.urls),
]

handler400 = "sunusav.api.pages.bad_request"
handler403 = "sunusav.api.pages.forbidden"
handler404 = "sunusav.api.pages.not_found"
handler500 = "sunusav.api.pages.server_error"
