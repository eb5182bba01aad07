"""What entries of the trail and messages to the platform say about payments, requests for money, links and rails."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from transfers import statement_phrases

EVENTS: dict[str, Any] = {
    **statement_phrases.EVENTS,
    # Payments
    "disbursement.request": _("Payment ordered: %(payout_sats)s"),
    "disbursement.begin": _("Amount fixed and held: %(net_sats)s for the recipient, fee %(fee_sats)s"),
    "disbursement.hold_back": _("The payment waits"),
    "disbursement.open_attempt": _("Attempt %(attempt)s: order committed"),
    "disbursement.see_attempt": _(
        "Attempt %(attempt)s: the provider has the order, and the payment is under way"
    ),
    "disbursement.send_again": _("Attempt %(attempt)s: the same order is sent again"),
    "disbursement.close_attempt": _("Attempt %(attempt)s ended: %(outcome)s"),
    "disbursement.complete": _("The recipient is paid"),
    "disbursement.fail": _("The payment failed"),
    "disbursement.review": _("The payment is put under review: a person has to look at it"),
    "disbursement.retry": _("The payment is retried"),
    "disbursement.cancel": _("The payment is cancelled, and what was held for it is free again"),
    "disbursement.redirect": _("The destination of the payment is changed"),
    "disbursement.refuse_destination": _("The destination is given up: %(code)s; the other one is next"),
    "disbursement.except": _("The limits are waived for this payment: %(lifted)s"),
    "disbursement.ask_outside": _("The provider is to be queried at once"),
    "disbursement.resolve_attempt": _("Two people decided about attempt %(attempt)s: %(verdict)s"),
    "disbursement.paid_outside_books": _(
        "An order that had been closed was paid: outside the books, and outgoing money is paused"
    ),
    "disbursement.reverse": _("The return of the money is booked: %(return_kind)s"),
    # Requests for money
    "collection.open": _("The payer is asked for the money"),
    "collection.receive_part": _("Paid in part"),
    "collection.settle": _("Paid in full"),
    "collection.expire": _("The request has expired"),
    "collection.cancel": _("The request is cancelled"),
    "collection.give_way": _("The request is replaced by one of another method"),
    "collection.withdraw": _("The request is withdrawn: nobody has to pay it any more"),
    # Links by which a recipient says where they are paid
    "withdrawal.open": _("Withdrawal link opened: %(amount_sats)s"),
    "withdrawal.redeem": _("The recipient has given their invoice by the link"),
    "withdrawal.take": _("Payment %(disbursement)s is ordered to the invoice of the link"),
    "withdrawal.refuse": _("The invoice of the link is not paid: %(why)s"),
    "withdrawal.expire": _("The link has expired"),
    "withdrawal.revoke": _("The link is revoked"),
    # Credit of members
    "credit_use.use_credit": _("Credit used: %(amount_msat)s"),
    "credit_use.return_credit": _("Credit given back: %(amount_msat)s"),
    "credit_transfer.transfer_credit": _("Credit moved to the other person: %(amount_msat)s"),
    # Issued receipts
    "issued_receipt.issue": _("Receipt %(number)s issued"),
    "issued_receipt.open_link": _("A link to the receipt is opened"),
    "issued_receipt.revoke_link": _("The link to the receipt is revoked"),
    "issued_receipt.expire_link": _("The link to the receipt has expired"),
    "receipt_issuer.adopt": _("Issuer of receipts in force: %(legal_name)s"),
    "receipt_tax_rate.adopt": _("Tax rate on receipts in force: %(tax_rate_bps)s"),
    # Rails, limits, treasury
    "rail.find_mismatches": _("Provider and books differ: %(count)s payments"),
    "rail.stop_rail": _("Stopped after %(failures)s failures in a row"),
    "rail.try_rail": _("One payment is tried after the stop"),
    "rail.resume_rail": _("Payments go again"),
    "rail.switch_off": _("Switched off: nothing is sent or requested"),
    "rail.switch_on": _("Switched on again"),
    "payment_limit.set_limit": _("Limit in force: %(limit_sats)s instead of %(limit_before_sats)s"),
    "treasury_movement.book_movement": _("Movement booked: %(kind)s"),
}
# What went wrong, by the entry that says so
EVENT_TONES = {
    "disbursement.hold_back": "attention",
    "disbursement.review": "attention",
    "disbursement.refuse_destination": "attention",
    "disbursement.paid_outside_books": "bad",
    "withdrawal.refuse": "attention",
    "rail.find_mismatches": "attention",
    "rail.stop_rail": "attention",
    "rail.switch_off": "attention",
}
# What a message to the platform reports, by its topic
TOPICS: dict[str, Any] = {
    "disbursement.completed": _("payment completed"),
    "disbursement.failed": _("payment failed"),
    "disbursement.cancelled": _("payment cancelled"),
    "disbursement.needs_review": _("payment under review"),
    "disbursement.reversed": _("payment returned"),
    "disbursement.held_back": _("payment waits"),
    "rail.stopped": _("payments stopped after failures"),
    "rail.resumed": _("payments go again"),
    "rail.switched_off": _("provider switched off"),
    "rail.switched_on": _("provider switched on again"),
    "withdrawal.refused": _("the invoice of the withdrawal link is not paid"),
}
