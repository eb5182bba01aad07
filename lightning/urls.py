from django.urls import path

from lightning import pages

urlpatterns = [
    path("withdraw/<str:secret>", pages.Withdraw.as_view(), name="lnurl-withdraw"),
    path("withdraw/<str:secret>/callback", pages.WithdrawCallback.as_view(), name="lnurl-withdraw-callback"),
]
