"""Routes of the project. Each room brings its own; only the roof knows them all."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from fees.api.urls import urlpatterns as fees
from ledger.api.urls import urlpatterns as ledger
from payouts.api.urls import urlpatterns as payouts

urlpatterns: list[URLPattern | URLResolver] = [
    # One list, not one `include` each: a resolver per room is searched in vain for every request.
    path("monetization/", include([*fees, *payouts, *ledger])),
    path("", include("sunusav.api.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "sunusav.api.pages.bad_request"
handler403 = "sunusav.api.pages.forbidden"
handler404 = "sunusav.api.pages.not_found"
handler500 = "sunusav.api.pages.server_error"
