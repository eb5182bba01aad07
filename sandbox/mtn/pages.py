"""What a person sees of the simulated MTN: phones and balances, and the requests that wait for their payers."""

from __future__ import annotations

from html import escape

from sandbox.mtn.payments import Payments
from sandbox.simulator.dialect import Request, Response
from sandbox.simulator.page import document, francs, wallets_page
from sandbox.simulator.store import Row
from sandbox.simulator.wallets import Wallets

TITLE = "MTN MoMo (simulated)"
REJECTED = "APPROVAL_REJECTED"


class Pages:
    """`/` shows phones, `/phone` the requests that the payers' phones show, with buttons to approve or reject."""

    def __init__(self, payments: Payments, wallets: Wallets) -> None:
        self._payments, self._wallets = payments, wallets

    def answer(self, request: Request) -> Response | None:
        """Answer a person's browser; None for a call of MTN's clients."""
        parts = [part for part in request.path.split("/") if part]
        if request.method == "GET" and not parts:
            return wallets_page(TITLE, self._wallets.all())
        if parts[:1] != ["phone"]:
            return None
        if request.method == "POST":
            return self._decided(*parts[1:])
        return document(TITLE, self._requests())

    def _decided(self, reference: str = "", decision: str = "") -> Response:
        """Approve or reject a request, and show what is left."""
        try:
            self._payments.decide(reference, "" if decision == "approve" else REJECTED)
        except LookupError:
            return document(TITLE, "<p>This request is not open any more.</p>", status=404)
        return Response(303, headers={"Location": "/phone"})

    def _requests(self) -> str:
        rows = "".join(map(_request, self._payments.open_requests()))
        note = '<p class="note">A payer approves with a PIN on the phone. <a href="/">Phones and balances</a></p>'
        empty = "<p>No request waits for its payer.</p>"
        table = f"<table><tr><th>Phone</th><th>Request</th><th>Amount</th><th></th></tr>{rows}</table>"
        return note + (table if rows else empty)


def _request(row: Row) -> str:
    buttons = "".join(
        f'<form method="post" action="/phone/{escape(row["reference"])}/{decision}"><button>{label}</button></form>'
        for decision, label in (("approve", "Pay"), ("reject", "Reject"))
    )
    return (
        f"<tr><td>{escape(row['phone'])}</td><td>{escape(row['payer_message'])}</td>"
        f'<td class="amount">{francs(row["amount"])}</td><td>{buttons}</td></tr>'
    )
