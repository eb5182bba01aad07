"""The door for wallets: LNURL-withdraw. Whoever brings the secret first says where the money goes; workers pay."""

from typing import Any

from django.conf import settings
from django.http.response import HttpResponseBase
from django.urls import reverse
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from lightning.invoices import read_invoice
from lightning.rail import BOLT11
from sunusav.api.renderers import ExactJSONRenderer
from sunusav.api.views import ApiView
from transfers.errors import WithdrawalSecretUnknown
from transfers.services.withdrawals import redeem_withdrawal, withdrawal_of

# Shown by the wallet to whoever scanned the code: it must hold no names.
DESCRIPTION = "SunuSàv payout"


class LnurlView(ApiView):
    """A view for wallets: it asks for no token, and tells refusals as LNURL does.

    Source: LUD-01: wallets read the body whatever the status is, and most show `reason` only under 200. Django also
    logs the address of what is answered with 400 and above, and this one holds the secret.
    """

    public = True
    schema = None
    http_method_names = ["get"]
    authentication_classes = []

    def perform_content_negotiation(
        self,
        request: Request,
        force: bool = False,  # noqa: FBT001, FBT002  (DRF's signature)
    ) -> tuple[BaseRenderer, str]:
        return ExactJSONRenderer(), "application/json"

    def handle_exception(self, exc: Exception) -> Response:
        told = super().handle_exception(exc)
        status = told.status_code if isinstance(exc, MethodNotAllowed) else 200
        headers = {name: told.headers[name] for name in ("Retry-After",) if name in told.headers}
        return Response({"status": "ERROR", "reason": told.data["title"]}, status=status, headers=headers)

    def finalize_response(  # type: ignore[override]  # as the one it extends
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        # Wallets that are web pages call from an origin of their own; nothing here knows cookies or tokens.
        response.headers["Access-Control-Allow-Origin"] = "*"
        return super().finalize_response(request, response, *args, **kwargs)


class Withdraw(LnurlView):
    """What a wallet reads of the code it scanned."""

    def get(self, request: Request, secret: str) -> Response:
        found = withdrawal_of(secret, now=self.now)
        return Response(
            {
                "tag": "withdrawRequest",
                "callback": settings.PUBLIC_BASE_URL + reverse("lnurl-withdraw-callback", args=[secret]),
                "k1": secret,
                "defaultDescription": DESCRIPTION,
                "minWithdrawable": found.amount_msat,
                "maxWithdrawable": found.amount_msat,
            }
        )


class WithdrawCallback(LnurlView):
    """Where a wallet brings its invoice. It is paid afterwards, by a worker."""

    def get(self, request: Request, secret: str) -> Response:
        invoice = read_invoice(_given(request, "pr"))
        if _given(request, "k1") != secret:
            raise WithdrawalSecretUnknown
        redeem_withdrawal(secret=secret, kind=BOLT11, value=invoice.text, now=self.now)
        return Response({"status": "OK"})


def _given(request: Request, name: str) -> str:
    """Return a parameter; what is missing is the empty text, which no invoice and no secret is."""
    values: Any = request.query_params.get(name, "")
    return str(values)
