from django.conf import settings
from django.urls import reverse
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from sunusav.api.endpoints import Endpoint
from sunusav.api.viewsets import ApiViewSet
from transfers.api.serializers import IssuedReceiptAnswer, ReceiptBody, ReceiptLinkAnswer
from transfers.document_errors import (
    IssuerMissing,
    ReceiptKindUnknown,
    ReceiptLinkMissing,
    ReceiptMissing,
    ReceiptNotAllowed,
)
from transfers.receipt_files.lines import routes_of
from transfers.services.receipt_links import open_receipt_link, revoke_receipt_link

ISSUE = "transfers.issue_receipt"
ROUTES = {"url": "receipt", "pdf_url": "receipt-pdf", "csv_url": "receipt-csv", "xlsx_url": "receipt-xlsx"}


class ReceiptViewSet(ApiViewSet):
    """Receipts that people keep."""

    lookup_url_kwarg = "number"

    @Endpoint(
        "Issue the receipt of a payment, and open the link that shows it",
        operation_id="receipts_post", permission=ISSUE, body=ReceiptBody, answer=ReceiptLinkAnswer,
        statuses=(201,), problems=[ReceiptKindUnknown, ReceiptNotAllowed, IssuerMissing],
        example={"kind": "payout", "id": 17},
    )  # fmt: skip
    def create(self, request: Request) -> Response:
        """Answer the same receipt, and its open link, however often it is called.

        What is not paid is refused as the kind of receipt does it: `payout-not-completed`, `contribution-not-settled`.
        """
        body = self.body()
        opened = open_receipt_link(kind=body["kind"], key=body["id"], user=self.user, now=self.now)
        routes = set(routes_of(opened.receipt))
        return self.answer(
            opened,
            **{
                name: settings.PUBLIC_BASE_URL + reverse(route, args=[opened.token])
                if route in routes
                else None
                for name, route in ROUTES.items()
            },
        )

    @Endpoint(
        "Revoke the link of a receipt", operation_id="receipt_link_delete", permission=ISSUE,
        answer=IssuedReceiptAnswer, problems=[ReceiptMissing, ReceiptLinkMissing],
    )  # fmt: skip
    @action(detail=True, methods=["delete"])
    def link(self, request: Request, number: str) -> Response:
        return self.answer(revoke_receipt_link(number=number, actor=self.actor, now=self.now))
