"""Routes of the project. Each room brings its own; only the roof knows them all."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("", include("sunusav.api.urls")),
    path("monetization/", include("ledger.api.urls")),
    path("monetization/", include("fees.api.urls")),
    path("monetization/", include("payouts.api.urls")),
]

handler400 = "sunusav.api.pages.bad_request"
handler403 = "sunusav.api.pages.forbidden"
handler404 = "sunusav.api.pages.not_found"
handler500 = "sunusav.api.pages.server_error"
