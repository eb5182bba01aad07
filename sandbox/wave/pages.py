"""What a person sees of the simulated Wave: every phone, and the page on which a session is paid."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs

from sandbox.simulator.dialect import Request, Response
from sandbox.simulator.page import document, francs, wallets_page
from sandbox.simulator.store import Row
from sandbox.simulator.wallets import OURS, Wallets
from sandbox.wave.checkout import Checkout, PaymentRefused
from sandbox.wave.errors import Refusal

TITLE = "Wave (simulated)"


def page(request: Request, wallets: Wallets, checkout: Checkout) -> Response | None:
    """Answer a browser; None for a call of the API."""
    if request.path == "/":
        return wallets_page(TITLE, wallets.all())
    if not request.path.startswith("/c/"):
        return None
    try:
        row = checkout.row(request.path.removeprefix("/c/"))
    except Refusal:
        return document(TITLE, "<p>There is no such payment.</p>", status=404)
    if request.method == "POST":
        return _paid(row, request, wallets, checkout)
    return _checkout(row, wallets)


def _paid(row: Row, request: Request, wallets: Wallets, checkout: Checkout) -> Response:
    """Pay from the chosen phone, and send the browser back."""
    phone = parse_qs(request.body.decode()).get("phone", [""])[0]
    known = {one["phone"] for one in wallets.all()} - {OURS}
    if phone not in known:
        return _checkout(row, wallets, error="no such phone")
    try:
        paid = checkout.pay(row["session_id"], phone)
    except PaymentRefused as refused:
        return _checkout(checkout.row(row["session_id"]), wallets, error=str(refused).replace("-", " "))
    return Response(303, headers={"Location": paid["success_url"]})


def _checkout(row: Row, wallets: Wallets, *, error: str = "") -> Response:
    asked = f"<p>Pay <strong>{escape(francs(row['amount']))}</strong> to SunuSàv.</p>"
    note = '<p class="note">A simulated partner: no real money.</p>'
    failed = f"<p><strong>It was not paid: {escape(error)}.</strong></p>" if error else ""
    if row["status"] != "open":
        return document(TITLE, f"{asked}{failed}<p>This payment is {escape(row['status'])}.</p>{note}")
    phones = [one for one in wallets.all() if one["phone"] != OURS]
    choices = "".join(_choice(one, row["only_mobile"]) for one in phones)
    form = (
        f'<form method="post"><p><label>From <select name="phone">{choices}</select></label></p>'
        "<p><button>Pay</button></p></form>"
    )
    return document(TITLE, f"{asked}{failed}{form}{note}")


def _choice(wallet: Row, wanted: str) -> str:
    phone, chosen = wallet["phone"], " selected" if wallet["phone"] == wanted else ""
    text = f"{wallet['name']}, {phone}, {francs(wallet['balance'])}"
    return f'<option value="{escape(phone)}"{chosen}>{escape(text)}</option>'
