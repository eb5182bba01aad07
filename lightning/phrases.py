"""What codes, facts and refusals of this app are called."""

from typing import Any

from django.utils.translation import gettext_lazy as _

# States, kinds, actions and reasons, by code.
WORDS: dict[str, Any] = {
    "lightning": _("lightning"),
    "bolt11": _("bolt11"),
    "lightning_address": _("lightning address"),
    "lnurl": _("lnurl"),
    "paying": _("paying"),
    "timeout": _("timeout"),
    "no_route": _("no route"),
    "error": _("error"),
    "incorrect_payment_details": _("incorrect payment details"),
    "incorrect_or_unknown_payment_details": _("incorrect or unknown payment details"),
    "insufficient_balance": _("insufficient balance"),
    "canceled": _("canceled"),
    "none": _("none"),
    "connection_lost": _("connection lost"),
    "no_answer": _("no answer"),
    "node_refused": _("node refused"),
    "stream_ended": _("stream ended"),
    "known_to_the_node": _("known to the node"),
    "known_then_not_found": _("known then not found"),
    "another_payment": _("another payment"),
    "another_amount_paid": _("another amount paid"),
    "another_invoice_paid": _("another invoice paid"),
    "preimage_does_not_fit": _("preimage does not fit"),
}
# Facts that rows and the trail keep; an amount's without its unit.
FACTS: dict[str, Any] = {
    "call": _("call to the node"),
    "fee_msat": _("routing fee"),
    "expiry": _("expiry"),
    "failure_reason": _("failure reason"),
    "text": _("text"),
    "payment_index": _("payment index"),
    "htlcs": _("htlcs"),
    "failure_source_index": _("failure source index"),
    "created_at_ns": _("created at ns"),
    "payment_hash": _("payment hash"),
}
# By problem code: what is the matter, and what to do next.
REFUSALS: dict[str, tuple[Any, Any]] = {
    "invoice-unreadable": (
        _("The invoice cannot be read (%(reason)s)."),
        _("Ask the recipient for a new invoice."),
    ),
    "invoice-for-another-network": (
        _("The invoice is for the network %(invoice_network)s, ours is %(our_network)s."),
        _("Ask the recipient for an invoice on our network."),
    ),
    "invoice-without-amount": (
        _("The invoice names no amount."),
        _("Ask for an invoice of exactly the net amount."),
    ),
    "invoice-amount-differs": (
        _("The invoice is for another amount: %(invoice_msat)s msat instead of %(expected_msat)s msat."),
        _("Ask for an invoice of exactly the net amount."),
    ),
    "invoice-expired": (
        _("The invoice expired (%(expired_at)s)."),
        _("Ask the recipient for a new invoice and set it as the destination."),
    ),
    "invoice-expires-too-soon": (
        _("The invoice would expire while it is being paid (%(expires_at)s)."),
        _("Ask the recipient for a new invoice and set it as the destination."),
    ),
    "invoice-pays-ourselves": (
        _("The invoice is our own node's."),
        _("Ask the recipient for an invoice of their own wallet."),
    ),
    "invoice-from-the-future": (
        _("The invoice says it was made in the future (%(created_at)s)."),
        _("Ask the recipient for a new invoice."),
    ),
    "invoice-needs-amp": (
        _("The invoice asks for a kind of payment we never make (AMP)."),
        _("Ask the recipient for an ordinary invoice."),
    ),
    "invoice-locks-too-long": (
        _("The invoice could lock our money for %(blocks)s blocks; we allow %(limit_blocks)s."),
        _("Ask the recipient for an invoice of another wallet."),
    ),
    "invoice-needs-unknown-feature": (
        _("The invoice needs something our node does not know (%(features)s)."),
        _("Ask the recipient for an invoice of another wallet."),
    ),
    "invoice-read-differently": (
        _("Our node and we ourselves read the invoice differently (%(field)s)."),
        _("Do not pay it; ask the recipient for a new invoice."),
    ),
    "lightning-address-unreadable": (
        _("This is no Lightning Address (%(reason)s)."),
        _("Write it as name@domain, or ask the recipient for an invoice."),
    ),
    "lnurl-unreadable": (
        _("This is no payment link we can read (%(reason)s)."),
        _("Ask the recipient for a payment link of their wallet, and paste all of it."),
    ),
    "lnurl-service-refuses": (
        _("The service %(host)s does not take payments for this address: %(reason)s."),
        _("Check the address with the recipient, or set another destination."),
    ),
    "amount-outside-service-range": (
        _("The service %(host)s takes %(min_msat)s to %(max_msat)s msat; %(amount_msat)s msat are due."),
        _("Set another destination."),
    ),
    "lnurl-answer-malformed": (
        _("The service %(host)s does not speak LNURL-pay (%(reason)s)."),
        _("Ask the recipient for an invoice and set it as the destination."),
    ),
}

CODES = {"failure_reason"}
HASHES = {"payment_hash", "preimage"}
