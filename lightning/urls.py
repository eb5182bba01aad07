from django.urls import path

from lightning import pages

urlpatterns = [
    path("lnurl/withdraw/<str:secret>", pages.Withdraw.as_view(), name="lnurl-withdraw"),
    path(
        "lnurl/withdraw/<str:secret>/callback",
        pages.WithdrawCallback.as_view(),
        name="lnurl-withdraw-callback",
    ),
]
