"""LNURL-withdraw for wallets: the first to present the secret names the destination; a worker pays."""

from typing import Any

from django.conf import settings
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from lightning.invoices import read_invoice
from lightning.rail import BOLT11
from sunusav.api.renderers import ExactJSONRenderer
from sunusav.api.views import ApiView
from sunusav.core.members import for_members
from transfers.errors import WithdrawalSecretUnknown
from transfers.services.withdrawals import redeem_withdrawal, withdrawal_of

# The wallet shows it to the person who scanned the code: it must contain no names.
DESCRIPTION = _("SunuSàv payout")


class LnurlView(ApiView):
    """A view for wallets: it needs no token, and returns refusals in LNURL's format with status 200.

    Source: LUD-01. Most wallets show `reason` only with status 200. Django also logs the URL of every answer with
    status 400 and above, and this URL contains the secret.
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
        problem = super().handle_exception(exc)
        status = problem.status_code if isinstance(exc, MethodNotAllowed) else 200
        headers = {name: problem.headers[name] for name in ("Retry-After",) if name in problem.headers}
        return Response({"status": "ERROR", "reason": problem.data["title"]}, status=status, headers=headers)

    def finalize_response(  # type: ignore[override]  # as the one it extends
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        # Web wallets call from their own origin; these views use neither cookies nor tokens.
        response.headers["Access-Control-Allow-Origin"] = "*"
        return super().finalize_response(request, response, *args, **kwargs)


class Withdraw(LnurlView):
    """The withdrawal that belongs to a scanned code."""

    def get(self, request: Request, secret: str) -> Response:
        found = withdrawal_of(secret, now=self.now)
        return Response(
            {
                "tag": "withdrawRequest",
                "callback": settings.PUBLIC_BASE_URL + reverse("lnurl-withdraw-callback", args=[secret]),
                "k1": secret,
                "defaultDescription": for_members(DESCRIPTION),
                "minWithdrawable": found.amount_msat,
                "maxWithdrawable": found.amount_msat,
            }
        )


class WithdrawCallback(LnurlView):
    """Accept the wallet's invoice. A worker pays it afterwards."""

    def get(self, request: Request, secret: str) -> Response:
        invoice = read_invoice(_given(request, "pr"))
        if _given(request, "k1") != secret:
            raise WithdrawalSecretUnknown
        redeem_withdrawal(secret=secret, kind=BOLT11, value=invoice.text, now=self.now)
        return Response({"status": "OK"})


def _given(request: Request, name: str) -> str:
    """Return a parameter; a missing one is "", which is neither an invoice nor a secret."""
    values: Any = request.query_params.get(name, "")
    return str(values)
