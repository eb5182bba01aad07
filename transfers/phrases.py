"""What codes, facts and refusals of this app are called."""

from typing import Any

from django.utils.translation import gettext_lazy as _

# States, kinds, actions and reasons, by code.
WORDS: dict[str, Any] = {
    "cancelled": _("cancelled"),
    "completed": _("completed"),
    "expired": _("expired"),
    "failed": _("failed"),
    "final": _("Final"),
    "hold": _("hold"),
    "in_flight": _("in flight"),
    "needs_review": _("needs review"),
    "paid": _("paid"),
    "partial": _("partial"),
    "pending": _("pending"),
    "prepared": _("prepared"),
    "processing": _("processing"),
    "renew": _("Renew"),
    "retry": _("retry"),
    "reversed": _("reversed"),
    "review": _("review"),
    "scheduled": _("scheduled"),
    "settled": _("settled"),
    "succeeded": _("succeeded"),
    "void": _("void"),
    "redeemed": _("redeemed"),
    "taken": _("taken"),
    "refused": _("refused"),
    "answered_elsewhere": _("Answered Elsewhere"),
    "paid_in_part": _("Paid In Part"),
    "half_open": _("half open"),
    "per_payout": _("Per Payout"),
    "per_payee_day": _("Per Payee Day"),
    "total_hour": _("Total Hour"),
    "replaced_destination": _("Replaced Destination"),
    "redeem": _("redeem"),
    "take": _("take"),
    "refuse": _("refuse"),
    "begin": _("begin"),
    "cancel": _("cancel"),
    "close_attempt": _("close attempt"),
    "complete": _("complete"),
    "expire": _("expire"),
    "fail": _("fail"),
    "open_attempt": _("open attempt"),
    "receive_part": _("receive part"),
    "redirect": _("redirect"),
    "settle": _("settle"),
    "except": _("except"),
    "hold_back": _("hold back"),  # until 0.1.0
    "defer": _("defer"),
    "ask_outside": _("ask outside"),  # until 0.1.0
    "resume_rail": _("resume rail"),
    "set_limit": _("set limit"),
    "stop_rail": _("stop rail"),
    "try_rail": _("try rail"),
    "process_due_payouts": _("process due payouts"),
    "sweep open attempts, due retries and unclaimed orders": _(
        "sweep open attempts, due retries and unclaimed orders"
    ),
    "payout_above_limit": _("payout above limit"),
    "payee_day_limit": _("payee day limit"),
    "hour_limit": _("hour limit"),
    "destination_cooling_off": _("destination cooling off"),
    "rail_stopped": _("rail stopped"),
    "rail_unavailable": _("rail unavailable"),
    "liquidity_short": _("liquidity short"),
    "hold_void": _("hold void"),
    "payment": _("payment"),
    "an attempt may still be paid; its outcome must be known first": _(
        "an attempt may still be paid; its outcome must be known first"
    ),
    "it_is_closed": _("it is closed"),
    "part_of_it_was_paid": _("part of it was paid"),
    "it_is_being_paid_at_this_moment": _("it is being paid at this moment"),
    "whether it was opened is not known; ask for it again first": _(
        "whether it was opened is not known; ask for it again first"
    ),
    "it_has_not_failed": _("it has not failed"),
    "never sent, and the order has expired": _("never sent, and the order has expired"),
    "payment_vanished": _("payment vanished"),
    "refused_when_sent_again": _("refused when sent again"),
    "answer_contradicts_records": _("answer contradicts records"),
    "last_order_in_doubt": _("last order in doubt"),
    "paid_before": _("paid before"),
    "resolved_as_not_paid": _("resolved as not paid"),
    "not_paid": _("not paid"),
    "not_seen": _("not seen"),
    "not_seen_by_another_source": _("not seen by another source"),
    "rail_away": _("rail away"),
    "paid, but proof or amount is not ours": _("paid, but proof or amount is not ours"),
    "query_provider": _("query provider"),
    "resolve_attempt": _("resolve attempt"),
    "see_attempt": _("see attempt"),
    "send_again": _("send again"),
}
# Facts that rows and the trail keep; an amount's without its unit.
FACTS: dict[str, Any] = {
    "cost_msat": _("routing fee"),
    "asked_at": _("asked at"),
    "claimed_by": _("claimed by"),
    "close_transaction": _("close transaction"),
    "due_at": _("due at"),
    "evidence": _("evidence"),
    "number": _("number"),
    "outcome": _("outcome"),
    "payee": _("payee"),
    "payout": _("payout"),
    "proof": _("proof"),
    "verdict": _("verdict"),
    "outgoing": _("outgoing"),
    "amount_msat": _("amount msat"),
    "why": _("why"),
    "waived_at": _("waived at"),
    "failures": _("failures"),
    "in_force": _("in force"),
    "in_force_version": _("in force version"),
    "destination_sha256": _("destination sha256"),
    "lifted": _("lifted"),
    "resolution": _("resolution"),
    "outside_says": _("outside says"),
    "details": _("details"),
    "rail": _("rail"),
    "reference": _("reference"),
    "source": _("source"),
    "method": _("method"),
    "destination_kind": _("destination kind"),
    "failure_code": _("failure code"),
    "opened_by": _("opened by"),
    "cost": _("cost"),
    "amount": _("amount"),
    "proposed_end": _("proposed end"),
    "provider_reports": _("provider reports"),
}
PROPOSALS: dict[str, Any] = {
    "manual_resolution": _("Decide how an unknown payment ended"),
    "payment_limit": _("Set a limit of outgoing money"),
    "payment_exception": _("Let a payment pass the limits"),
}
# By problem code: what is the matter, and what to do next.
REFUSALS: dict[str, tuple[Any, Any]] = {
    "disbursement-missing": (
        _("Disbursement %(disbursement_id)s does not exist."),
        _("Open the list of disbursements again."),
    ),
    "disbursement-not-cancellable": (
        _("Disbursement %(disbursement_id)s (%(state)s) cannot be cancelled: %(why)s."),
        _("Look at its attempts; while one is open, wait until its outcome is known."),
    ),
    "disbursement-not-retryable": (
        _("Disbursement %(disbursement_id)s (%(state)s) cannot be retried: %(why)s."),
        _("Look at its attempts; while one is open, wait until its outcome is known."),
    ),
    "attempt-not-open": (
        _("Disbursement %(disbursement_id)s (%(state)s) has no open attempt: its outcome is known."),
        _("There is nothing left to decide; reject or withdraw an open proposal about it."),
    ),
    "disbursement-not-under-review": (
        _(
            "Disbursement %(disbursement_id)s (%(state)s) is not under review: the engine still decides about it."
        ),
        _("Wait; it comes under review by itself when the engine cannot decide."),
    ),
    "order-still-payable": (
        _("The order of disbursement %(disbursement_id)s can be paid until %(payable_until)s."),
        _("Wait until then, have the outside asked again, and propose it after that."),
    ),
    "evidence-too-old": (
        _("What the outside says now of disbursement %(disbursement_id)s is not known (%(outcome)s)."),
        _("Have the outside asked now, look at its answer, and try again."),
    ),
    "outside-says-otherwise": (
        _("The outside says that disbursement %(disbursement_id)s is under way or paid (%(outcome)s)."),
        _("It cannot be called unpaid. Ask the payee for the preimage their wallet shows."),
    ),
    "resolution-missing": (
        _("Nobody has proposed how disbursement %(disbursement_id)s ended."),
        _("Open its page and propose it."),
    ),
    "resolution-needs-proof": (
        _("The preimage does not belong to this payment hash."),
        _("Ask the payee for the preimage their wallet shows for this payment."),
    ),
    "resolution-cost-out-of-range": (
        _("The routing fee must be between 0 and %(fee_limit_msat)s msat."),
        _("Give what the route cost; the order allowed no more."),
    ),
    "resolution-needs-explanation": (
        _("A resolution needs an explanation."),
        _("Write what you looked at and what it showed."),
    ),
    "disbursement-not-held-back": (
        _("Disbursement %(disbursement_id)s (%(state)s) is held back by nothing that an exception lifts."),
        _("Open its page again: it may be on its way, or wait for something else."),
    ),
    "payment-limit-out-of-range": (
        _("A limit lies between %(minimum_sats)s and %(maximum_sats)s sats."),
        _("Give another amount; to stop all payments, pause outgoing money."),
    ),
    "payment-limit-request-missing": (
        _("Limit request %(limit_request_id)s does not exist."),
        _("Open the list of requests again."),
    ),
    "payment-reference-used": (
        _("This invoice was used before, for disbursement %(disbursement_id)s."),
        _("Ask the recipient for a new invoice and set it as the destination."),
    ),
    "subject-held": (
        _("Disbursement %(disbursement_id)s already pays for %(subject)s."),
        _("Retry or cancel that one."),
    ),
    "funds-short": (
        _("The account does not hold what is to be paid."),
        _("Look at the account's entries in the books."),
    ),
    "rail-unknown": (
        _("There is no way to pay called %(rail)s."),
        _("Set another destination."),
    ),
    "rail-unavailable": (
        _("%(rail)s does not answer; nothing was sent."),
        _("Try again when it is back."),
    ),
    "destination-kind-unsupported": (
        _("%(rail)s does not pay to a destination of the kind %(kind)s."),
        _("Set another destination."),
    ),
    "destination-unavailable": (
        _("The recipient's service %(host)s does not answer (%(detail)s); nothing was sent."),
        _("Try again later, or set another destination."),
    ),
    "collection-not-cancellable": (
        _("Request %(collection_id)s cannot be taken back: %(why)s."),
        _("Nothing was changed. See below how it stands."),
    ),
    "collection-settled": (
        _("Request %(collection_id)s was paid."),
        _("What was paid is booked; nothing is left to take back."),
    ),
    "collection-answered-elsewhere": (
        _(
            "Another node answered than the one that made request %(collection_id)s, so it may still be paid there."
        ),
        _("Have the right node reached again, then take it back."),
    ),
    "collector-unavailable": (
        _("The collector %(collector)s is away, so nothing was taken back."),
        _("Try again in a moment."),
    ),
}

CODES = {
    "outcome", "outside_says", "provider_reports", "proposed_end", "destination_kind", "rail", "method", "failure_code",
    "failure_message", "credit_role", "overpaid_role", "lifted",
}  # fmt: skip
HASHES = {"reference", "proof", "payee", "source", "destination_sha256"}
LONG_TEXTS = {"destination_value", "payment_request", "reference", "source"}
ACTORS = {"opened_by"}
