from django.urls import path

from ledger.api import views

urlpatterns = [
    path("rates/current", views.CurrentRate.as_view(), name="rates-current"),
    path("rates/update", views.UpdateRate.as_view(), name="rates-update"),
    path("convert/sats-to-xof", views.SatsToXof.as_view(), name="convert-sats-to-xof"),
    path("convert/xof-to-sats", views.XofToSats.as_view(), name="convert-xof-to-sats"),
]
