"""What people see: the phones and their balances, and a page on which a phone pays a code."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs

from sandbox.orange.answers import Refusal
from sandbox.orange.qr_codes import QrCodes
from sandbox.orange.transactions import COUNTRY_CODE
from sandbox.simulator.dialect import Request, Response
from sandbox.simulator.page import document, francs, wallets_page
from sandbox.simulator.store import Row
from sandbox.simulator.wallets import OURS, Wallets

TITLE = "Orange Money (simulated)"
PAY = "/pay/"


class Pages:
    """The pages; no other path is one."""

    def __init__(self, wallets: Wallets, codes: QrCodes) -> None:
        self._wallets, self._codes = wallets, codes

    def page(self, request: Request) -> Response | None:
        """Answer a browser; None: the request is none of a browser."""
        if request.path == "/" and request.method == "GET":
            return wallets_page(TITLE, self._wallets.all())
        if not request.path.startswith(PAY):
            return None
        code = self._codes.row(request.path.removeprefix(PAY))
        if code is None:
            return document(TITLE, "<p>There is no such code.</p>", status=404)
        return self._paid(code, request) if request.method == "POST" else self._payable(code)

    def _payable(self, code: Row) -> Response:
        phones = [code["payer"]] if code["payer"] else self._phones()
        options = "".join(f"<option>{escape(phone)}</option>" for phone in phones)
        form = (
            f"<p>{escape(code['name'])} asks for <strong>{francs(code['amount'])}</strong>, until "
            f"{escape(code['ends_at'][:16].replace('T', ' '))} UTC.</p>"
            f'<form method="post"><label>Phone <select name="phone">{options}</select></label> '
            f"<button>Pay</button></form>"
        )
        return document(TITLE, form)

    def _paid(self, code: Row, request: Request) -> Response:
        phone = parse_qs(request.body.decode()).get("phone", [""])[0].removeprefix(COUNTRY_CODE)
        try:
            paid = self._codes.pay(code["qr_id"], phone)
        except Refusal as refusal:
            return document(TITLE, f"<p>Not paid. {escape(refusal.detail)}</p>", status=409)
        identifier = escape(paid["transaction_id"])
        return document(TITLE, f"<p>Paid {francs(paid['amount'])}: {identifier}.</p>")

    def _phones(self) -> list[str]:
        rows = [row for row in self._wallets.all() if row["phone"] != OURS and not row["state"]]
        return [row["phone"].removeprefix(COUNTRY_CODE) for row in rows]
