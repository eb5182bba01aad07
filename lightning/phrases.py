"""Names of this app's codes and facts, and phrases of its refusals."""

from typing import Any

from django.utils.translation import gettext_lazy as _

# Labels of codes: states, kinds, actions, reasons.
LABELS: dict[str, Any] = {
    # Components of the health
    "health.lightning": _("Lightning node"),
    # The rail and its kinds of destinations
    "lightning": _("lightning"),
    "bolt11": _("bolt11"),
    "lightning_address": _("lightning address"),
    "lnurl": _("lnurl"),
    # Why a destination cannot be read
    "not-name-at-domain": _("not of the form name@domain"),
    "name-not-allowed": _("name not allowed"),
    "not-for-paying": _("not for paying"),
    "not-an-lnurl": _("not an LNURL"),
    "mixed-case": _("upper and lower case mixed"),
    "character-not-allowed": _("character not allowed"),
    "separator-missing": _("separator missing"),
    "checksum-wrong": _("wrong checksum"),
    "invoice-too-long": _("too long"),
    "invoice-too-short": _("too short"),
    "prefix-not-lightning": _("not a Lightning invoice"),
    "network-unknown": _("unknown network"),
    "amount-unreadable": _("unreadable amount"),
    "amount-finer-than-msat": _("amount finer than a millisatoshi"),
    "amount-above-supply": _("amount above all bitcoin"),
    # LND's reasons for failed payments and routes, in lower case
    "timeout": _("timeout"),
    "no_route": _("no route"),
    "error": _("error"),
    "incorrect_payment_details": _("incorrect payment details"),
    "incorrect_or_unknown_payment_details": _("incorrect or unknown payment details"),
    "insufficient_balance": _("insufficient balance"),
    "canceled": _("canceled"),
    "none": _("none"),
    # Answers of a node
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
# Labels of facts; a fact with a unit (`fee_sats`) is named here without it (`fee`).
FACTS: dict[str, Any] = {
    # Evidence: a payment as LND reports it
    "status": _("status"),
    "failure_reason": _("failure reason"),
    "failure_source_index": _("failure source index"),
    "payment_hash": _("payment hash"),
    "payment_index": _("payment index"),
    "created_at_ns": _("created at ns"),
    "value": _("value"),
    "fee_msat": _("routing fee"),
    "htlcs": _("htlcs"),
    # Evidence: an error of a call
    "error": _("error"),
    "call": _("call to the node"),
    "method": _("method"),
    "text": _("text"),
}
# By problem code: what happened, and what to do next.
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
        _("The invoice is for another amount: %(invoice_msat)s instead of %(expected_msat)s."),
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
        _("The invoice is from our own node."),
        _("Ask the recipient for an invoice of their own wallet."),
    ),
    "invoice-from-the-future": (
        _("The invoice is dated in the future (%(created_at)s)."),
        _("Ask the recipient for a new invoice."),
    ),
    "invoice-needs-amp": (
        _("The invoice requires a kind of payment that we do not make (AMP)."),
        _("Ask the recipient for an ordinary invoice."),
    ),
    "invoice-locks-too-long": (
        _("The invoice could lock our money for %(blocks)s blocks; the limit is %(limit_blocks)s."),
        _("Ask the recipient for an invoice of another wallet."),
    ),
    "invoice-needs-unknown-feature": (
        _("The invoice requires features that our node does not know (%(features)s)."),
        _("Ask the recipient for an invoice of another wallet."),
    ),
    "invoice-read-differently": (
        _("Our node decodes the invoice differently than we do (%(field)s)."),
        _("Do not pay it; ask the recipient for a new invoice."),
    ),
    "lightning-address-unreadable": (
        _("This is not a Lightning Address (%(reason)s)."),
        _("Write it as name@domain, or ask the recipient for an invoice."),
    ),
    "lnurl-unreadable": (
        _("This payment link cannot be read (%(reason)s)."),
        _("Ask the recipient for a payment link of their wallet, and paste all of it."),
    ),
    "lnurl-service-refuses": (
        _("The service %(host)s refuses payments to this address: %(reason)s."),
        _("Check the address with the recipient, or set another destination."),
    ),
    "amount-outside-service-range": (
        _("The service %(host)s takes %(min_msat)s to %(max_msat)s; %(amount_msat)s are due."),
        _("Set another destination."),
    ),
    "lnurl-answer-malformed": (
        _("The answer of the service %(host)s is not LNURL-pay (%(reason)s)."),
        _("Ask the recipient for an invoice and set it as the destination."),
    ),
}

CODES = {"failure_reason"}
HASHES = {"payment_hash", "preimage"}
