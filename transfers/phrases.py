"""Names of this app's codes and facts, and phrases of its refusals."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from transfers import event_phrases, statement_phrases

# Labels of codes: states, kinds, actions, reasons.
LABELS: dict[str, Any] = {
    **statement_phrases.LABELS,
    # Components of the health
    "health.rails": _("rails"),
    "health.liquidity": _("money that can be sent"),
    "health.balances": _("balances at providers"),
    "health.collections": _("payment requests"),
    "health.matching": _("match with providers"),
    # States of disbursements and attempts
    "scheduled": _("scheduled"),
    "processing": _("processing"),
    "completed": _("completed"),
    "failed": _("failed"),
    "cancelled": _("cancelled"),
    "needs_review": _("needs review"),
    "reversed": _("reversed"),
    "prepared": _("prepared"),
    "in_flight": _("in flight"),
    "succeeded": _("succeeded"),
    "void": _("void"),
    # States of collections and withdrawals
    "pending": _("pending"),
    "partial": _("partial"),
    "settled": _("settled"),
    "expired": _("expired"),
    "answered_elsewhere": _("answered elsewhere"),
    "redeemed": _("redeemed"),
    "taken": _("taken"),
    "refused": _("refused"),
    "revoked": _("revoked"),
    # States of a rail's breaker
    "closed": _("closed"),
    "half_open": _("half open"),
    # Limits
    "per_payout": _("per payout"),
    "per_payee_day": _("per payee day"),
    "total_hour": _("total hour"),
    "replaced_destination": _("replaced destination"),
    # Kinds of transactions
    "receipt": _("receipt"),
    "parts_credited": _("parts credited"),
    "credit_used": _("credit used"),
    "credit_returned": _("credit returned"),
    "credit_transferred": _("credit transferred"),
    # What a payment did for its request
    "use.part": _("a part"),
    "use.complete": _("completes it"),
    "use.extra": _("extra, credited to the payer"),
    "hold": _("hold"),
    "hold_void": _("hold void"),
    "payment": _("payment"),
    "write_off": _("write-off"),
    # What falls due
    "due_scheduled": _("scheduled payments"),
    "due_processing": _("payments under way or waiting"),
    "due_needs_review": _("payments to review"),
    "due_failed": _("failed payments to repair"),
    "runs_short": _("runs short"),
    # The books beside providers and banks
    "balance_agrees": _("agrees"),
    "balance_differs": _("differs"),
    "balance_just_moved": _("moved just now"),
    "balance_unknown": _("not known"),
    # Movements of the treasury, and their kinds of transactions
    "capital_deposit": _("capital paid in"),
    "capital_withdrawal": _("capital paid out"),
    "bitcoin_purchase": _("purchase of bitcoin"),
    "bitcoin_sale": _("sale of bitcoin"),
    "channel_funding": _("channel opened"),
    "channel_closing": _("channel closed"),
    "swap_in": _("swap into channels"),
    "swap_out": _("swap out of channels"),
    "routing_income": _("routing fees earned"),
    "float_top_up": _("float topped up"),
    "float_withdrawal": _("float withdrawn"),
    "provider_charge": _("charge of a provider or bank"),
    "surplus": _("surplus found"),
    "shortfall": _("shortfall found"),
    "treasury_opening_balance": _("opening balance"),
    "treasury_capital_deposit": _("capital paid in"),
    "treasury_capital_withdrawal": _("capital paid out"),
    "treasury_bitcoin_purchase": _("purchase of bitcoin"),
    "treasury_bitcoin_sale": _("sale of bitcoin"),
    "treasury_channel_funding": _("channel opened"),
    "treasury_channel_closing": _("channel closed"),
    "treasury_swap_in": _("swap into channels"),
    "treasury_swap_out": _("swap out of channels"),
    "treasury_routing_income": _("routing fees earned"),
    "treasury_float_top_up": _("float topped up"),
    "treasury_float_withdrawal": _("float withdrawn"),
    "treasury_provider_charge": _("charge of a provider or bank"),
    "treasury_surplus": _("surplus found"),
    "treasury_shortfall": _("shortfall found"),
    "booked": _("booked"),
    "onchain": _("on-chain"),
    "capital": _("capital"),
    "differences": _("accepted differences"),
    "payment_reversal": _("reversal of a payment"),
    # What proves that money came back
    "provider_reversal": _("provider’s reversal"),
    "bank_line": _("bank line"),
    "inbound_payment": _("payment to us"),
    # What a refusal leads to
    "retry": _("retry"),
    "renew": _("renew"),
    "review": _("review"),
    "failure_class.hold": pgettext_lazy("failure class", "waits for money"),
    "failure_class.retry": pgettext_lazy("failure class", "is tried again"),
    "failure_class.stop": pgettext_lazy("failure class", "switches the rail off"),
    "failure_class.review": pgettext_lazy("failure class", "needs a person"),
    "final": _("final"),
    # Actions in the trail of disbursements
    "request": _("request"),
    "begin": _("begin"),
    "hold_back": _("defer"),
    "open_attempt": _("open attempt"),
    "see_attempt": _("see attempt"),
    "send_again": _("send again"),
    "close_attempt": _("close attempt"),
    "complete": _("complete"),
    "fail": _("fail"),
    "cancel": _("cancel"),
    "redirect": _("redirect"),
    "except": _("waive limits"),
    "ask_outside": _("query provider"),
    "resolve_attempt": _("resolve attempt"),
    "paid_outside_books": _("paid outside books"),
    "book_movement": _("book movement"),
    "reverse": _("book the return"),
    # Actions in the trail of collections and withdrawals
    "receive_part": _("receive part"),
    "settle": _("settle"),
    "expire": _("expire"),
    "use_credit": _("use credit"),
    "return_credit": _("return credit"),
    "transfer_credit": _("transfer credit"),
    "redeem": _("redeem"),
    "take": _("take"),
    "refuse": _("refuse"),
    # How provider and books differ about a payment
    "paid-not-booked": _("paid, not booked"),
    "reversed-not-booked": _("reversed, not booked"),
    "paid-twice": _("paid twice"),
    "amounts-differ": _("amounts differ"),
    "open-not-booked": _("under way, not booked"),
    "booked-not-paid": _("booked, not paid"),
    "seen-not-listed": _("seen before, no longer known"),
    "never-answered": _("never answered"),
    # Actions in the trail of limits and rails
    "find_mismatches": _("find mismatches"),
    "set_limit": _("set limit"),
    "stop_rail": _("stop rail"),
    "try_rail": _("try rail"),
    "resume_rail": _("resume rail"),
    "switch_off": _("switch off"),
    "switch_on": _("switch on"),
    "on": _("on"),
    "off": _("off"),
    # Why a disbursement is deferred
    "payout_above_limit": _("payout above limit"),
    "payee_day_limit": _("payee day limit"),
    "hour_limit": _("hour limit"),
    "destination_cooling_off": _("destination cooling off"),
    "rail_stopped": _("rail stopped"),
    "rail_switched_off": _("rail switched off"),
    "rail_credentials_refused": _("refuses our credentials"),
    "collector_credentials_refused": _("refuses our credentials"),
    "rail_unavailable": _("rail unavailable"),
    "liquidity_short": _("liquidity short"),
    # Why a disbursement is under review
    "payment_vanished": _("payment vanished"),
    "refused_when_sent_again": _("refused when sent again"),
    "answer_contradicts_records": _("answer contradicts records"),
    "last_order_in_doubt": _("last order in doubt"),
    "paid_before": _("paid before"),
    "paid_before_ordered": _("paid before it was ordered"),
    "never_found": _("never found"),
    "left_in_flight": _("left in flight"),
    "approval_differs": _("approval differs"),
    "given_back": _("given back"),
    # Answers of providers, and decisions about them
    "paid": _("paid"),
    "not_paid": _("not paid"),
    "written_off": _("written off"),
    "stuck": _("in flight, and nowhere under way"),
    "in_flight_nowhere": _("in flight, and nowhere under way"),
    "not_seen": _("not seen"),
    "not_seen_by_another_source": _("not seen by another source"),
    "rail_away": _("rail unavailable"),
    "too_late": _("too late, nothing was sent"),
    "resolved_as_not_paid": _("not paid, as two people decided"),
    "resolved_as_paid": _("paid, as two people decided"),
    "never sent, and the order has expired": _("never sent, and the order has expired"),
    "paid, but proof or amount is not ours": _("paid, but proof or amount is not ours"),
    "paid, and another amount was given back": _("paid, and another amount was given back"),
    # Why something cannot be cancelled or retried
    "it_is_closed": _("it is closed"),
    "it_has_not_failed": _("it has not failed"),
    "it_is_being_paid_at_this_moment": _("it is being paid at this moment"),
    "an attempt may still be paid; its outcome must be known first": _(
        "an attempt may still be paid; its outcome must be known first"
    ),
    "whether it was opened is not known; ask for it again first": _(
        "whether it was opened is not known; ask for it again first"
    ),
    # Periodic tasks
    "process_due_payouts": _("process due payouts"),
    "sweep open attempts, due retries and unclaimed orders": _(
        "sweep open attempts, due retries and unclaimed orders"
    ),
    "ask_about_open_collections": _("ask about open collections"),
    "match_the_rails": _("match the rails"),
    "look_at_what_rails_can_send": _("look at what rails can send"),
    "read_the_treasury": _("read the treasury"),
    # Issued receipts
    "adopt": _("adopt"),
    "issue": _("issue"),
    "open_link": _("open link"),
    "revoke_link": _("revoke link"),
    "expire_link": _("expire link"),
    "payout": _("payout"),
    "contribution": _("contribution"),
}
# What entries of the trail say happened
EVENTS = event_phrases.EVENTS
EVENT_TONES = event_phrases.EVENT_TONES
TOPICS = event_phrases.TOPICS
# Labels of facts; a fact with a unit (`fee_sats`) is named here without it (`fee`).
FACTS: dict[str, Any] = {
    **statement_phrases.FACTS,
    # Disbursements
    "payout": _("payout"),
    "net": _("net"),
    "fee": _("fee"),
    "amount": _("amount"),
    "rail": _("rail"),
    "destination_kind": _("destination kind"),
    "destination_sha256": _("digest of the destination"),
    "value_sha256": _("digest of the destination"),
    "destination_digest": _("digest of the destination"),
    "from": _("from"),
    "to": _("to"),
    "or_to": _("or to"),
    "from_second": _("second choice before"),
    "to_second": _("second choice now"),
    "until": _("until"),
    "code": _("code"),
    "failure_code": _("failure code"),
    "why": _("why"),
    "disbursement": _("disbursement"),
    # Attempts and answers of providers
    "attempt": _("attempt"),
    "outcome": _("outcome"),
    "reference": _("reference"),
    "payee": _("payee"),
    "payee_digest": _("digest of the payee"),
    "proof": _("proof"),
    "cost": _("routing fee"),
    "booked": _("booked"),
    "booked_cost": _("booked routing fee"),
    "sends_that_may_leave": _("sends that may still leave"),
    "evidence": _("evidence"),
    "source": _("source"),
    "detail": _("detail"),
    # Resolutions
    "verdict": _("verdict"),
    "resolution": _("resolution"),
    "proposed_end": _("proposed end"),
    "outside_says": _("provider reports"),
    # Returns of money
    "claim": _("claim of a return"),
    "return_kind": _("proof of the return"),
    "return_reference": _("reference of the return"),
    "returned_on": _("returned on"),
    "arrived_in": _("arrived in"),
    # Movements of the treasury
    "treasury_account": _("account"),
    "other_account": _("other account"),
    "charges": _("cost"),
    "exchanged": _("francs paid or received"),
    "happened_on": _("happened on"),
    "explanation": _("explanation"),
    "from_member": _("from"),
    "to_member": _("to"),
    "books_before": _("books, when proposed"),
    "books_after": _("books, with it"),
    "provider_balance": _("provider reported"),
    "provider_balance_at": _("provider asked at"),
    "transaction": _("transaction"),
    # Limits, waivers and rails
    "in_force": _("in force"),
    "in_force_version": _("in force version"),
    "lifted": _("lifted"),
    "failures": _("failures"),
    "provider": _("provider"),
    "collector": _("collector"),
    "switched_off_at": _("switched off at"),
    "switched_off_by": _("switched off by"),
    "switch_off_reason": _("why it was switched off"),
    "switch_off_cause": _("what the engine found"),
    "cause_detail": _("what the provider answered"),
    "limit": _("limit"),
    "limit_before": _("limit before"),
    # Issued receipts
    "legal_name": _("legal name"),
    "address": _("address"),
    "ninea": _("NINEA"),
    "replaces": _("replaces"),
    "number": _("number"),
    "link": _("link"),
    "group_id": _("group"),
    "group_name": _("name of the group"),
    "cycle_index": _("cycle number"),
    "happened_at": _("paid at"),
    "platform": _("share of the platform"),
    "community": _("share of the community fund"),
    "partner": _("share of the partner"),
    "preimage": _("preimage"),
    "schedule_version": _("version of the fee schedule"),
    "rate": _("rate"),
    "is_fallback_rate": _("fallback rate"),
    "transactions": _("transactions"),
    "tax_rate": _("tax rate"),
}
PROPOSALS: dict[str, Any] = {
    "manual_resolution": _("Decide the outcome of a payment under review"),
    "payment_reversal": _("Book a payment as reversed"),
    "payment_limit": _("Set a limit on outgoing money"),
    "payment_exception": _("Waive the limits for a payment"),
    "treasury_movement": _("Book a movement of the treasury"),
    "credit_transfer": _("Move a member's credit to another person"),
    "provider_switch_on": _("Switch a provider on"),
    "receipt_issuer": _("Set who issues receipts"),
    "receipt_tax_rate": _("Set the tax rate on receipts"),
    "statement_item": _("Resolve a difference from a statement"),
}
# Why a payment failed, waits or is under review.
REASONS: dict[str, Any] = {
    # Deferrals
    "payout-above-limit": _(
        "It exceeds %(limit_sats)s, the smallest limit that applies to it, and nothing was sent; two people can waive"
        " the limits."
    ),
    "destination-cooling-off": _(
        "Its destination became another payee's after the cycle was ready; it goes on %(until)s."
    ),
    "payee-day-limit": _("Its payee's limit of %(limit_sats)s a day is used up; it goes on %(until)s."),
    "hour-limit": _("The limit of %(limit_sats)s in an hour is used up; it is tried again on %(until)s."),
    "rail-stopped": _("%(rail)s failed %(failures)s times in a row; it is tried again from time to time."),
    "rail-switched-off": _(
        "%(rail)s is switched off; it goes on by itself once two people have switched it on."
    ),
    "rail-unavailable": _("%(rail)s is unavailable: %(detail)s."),
    "rail-credentials-refused": _("%(rail)s refuses our credentials: %(detail)s."),
    "collector-credentials-refused": _("%(collector)s refuses our credentials: %(detail)s."),
    "liquidity-short": _("%(rail)s cannot send this amount now."),
    "rate-not-fresh": _(
        "There is no exchange rate that is fresh enough to fix its francs; it waits for one."
    ),
    # Reviews
    "payment-vanished": _(
        "The payment was on its way. Now our node no longer knows it, or another node answers in its place. It may"
        " have been paid all the same."
    ),
    "answer-contradicts-records": _(
        "The node reports that it paid, but not what we ordered: the preimage, the amount or the invoice differs."
    ),
    "refused-when-sent-again": _(
        "The payee's wallet refused it when it was sent again. A wallet refuses what it was paid already: ask the payee"
        " whether the first sending arrived, before anything else is sent."
    ),
    "last-order-in-doubt": _(
        "Before a new order could be sent, the last one was queried, and the node reports neither that it was paid nor"
        " that it was refused."
    ),
    "paid-before": _(
        "An earlier order for the same purpose was paid after all. Paying this one would pay twice; outgoing money is"
        " paused."
    ),
    "paid-before-ordered": _(
        "Our node had paid this invoice before it became the destination of this payment. Nothing was sent for it."
    ),
    "approval-differs": _("What would be paid is not what was approved. Nothing was sent."),
    "never-found": _(
        "The provider does not know the order, long after it was sent, and could pay it twice: it is not sent again."
    ),
    "left-in-flight": _(
        "Our node reports the payment as in flight, long after it could last be paid, and none of its channels has it."
        " The node was probably stopped before the payment left."
    ),
    # What a payment under review waits for
    "waits-for-outcome": _(
        "Nothing more is sent. It waits until the provider reports the outcome, or until two people have decided it."
    ),
    "waits-for-person": _("Nothing is under way. It waits for a person to retry it or to cancel it."),
    "not-paid-because": _("It was not paid (%(why)s)."),
    # How provider and books differ about a payment
    "paid-not-booked": _("%(amount)s were paid at the provider and are not in the books."),
    "reversed-not-booked": _(
        "The provider lists a payment of %(amount)s as reversed, and in the books it is paid."
    ),
    "paid-twice": _("The provider lists more than one payment of %(amount)s."),
    "amounts-differ": _(
        "The provider lists %(amount)s and a fee of %(cost)s, the books have %(booked)s and %(booked_cost)s."
    ),
    "open-not-booked": _("%(amount)s are under way at the provider, and no attempt of ours is open."),
    "booked-not-paid": _("%(amount)s are paid in the books, and not at the provider."),
    "seen-not-listed": _("The provider knew this payment of %(amount)s, and no longer lists it."),
    "never-answered": _(
        "An attempt over %(amount)s was prepared and never answered: the provider does not list it, and"
        " its order can no longer be paid."
    ),
    # Failures
    "resolved-as-not-paid": _("Two people found that it was not paid."),
    "given-back": _("The provider had paid it and gave the money back before the payment was booked."),
    "worker-broke": _("A worker failed on it because of a bug (%(error)s); its log has the details."),
}
# The tone of a state's badge.
TONES = {
    "completed": "good", "succeeded": "good", "settled": "good", "paid": "good", "booked": "good",
    "explained": "good", "resolved": "good", "failed": "bad", "reversed": "bad",
    "needs_review": "attention", "open": "attention", "in_flight": "attention", "partial": "attention",
    "balance_agrees": "good", "balance_differs": "bad", "balance_just_moved": "attention", "runs_short": "bad",
}  # fmt: skip
# By problem code: what happened, and what to do next.
REFUSALS: dict[str, tuple[Any, Any]] = {
    **statement_phrases.REFUSALS,
    "disbursement-not-reversible": (
        _("Disbursement %(disbursement_id)s (%(state)s) cannot be reversed."),
        _("Only a completed payment is reversed, once. Open its page again."),
    ),
    "return-differs": (
        _("%(returned)s came back, and %(paid)s had been paid."),
        _("Nothing is booked. Find out with the provider what the difference is."),
    ),
    "return-unproven": (
        _("No settled payment %(reference)s has brought the money of disbursement %(disbursement_id)s back."),
        _("Request the money on the payment's page, and wait until the recipient has paid it."),
    ),
    "return-reference-used": (
        _("%(reference)s has proven the reversal of disbursement %(disbursement_id)s."),
        _("One proof counts once: enter the reference of this payment's own return."),
    ),
    "return-reference-booked": (
        _("%(reference)s is booked as movement %(movement_id)s of the treasury."),
        _("Enter the reference of this payment's own return."),
    ),
    "return-reference-claimed": (
        _(
            "By %(reference)s the return of disbursement %(disbursement_id)s is proposed already (#%(proposal_id)s)."
        ),
        _("One proof counts once: decide on that proposal first, or enter this payment's own reference."),
    ),
    "return-reference-malformed": (
        _("“%(reference)s” is no output of an on-chain transaction."),
        _("Enter the transaction's id, a colon and the number of the output that paid our wallet."),
    ),
    "return-date-out-of-range": (
        _(
            "The money cannot have come back on %(returned_on)s: it was paid on %(paid_on)s, and today is %(today)s."
        ),
        _("Enter the day of the line that shows the return."),
    ),
    "return-arrived": (
        _(
            "The recipient has paid the money of disbursement %(disbursement_id)s back by request %(collection_id)s."
        ),
        _("Propose that the money came back, with the payment hash %(reference)s."),
    ),
    "return-requested": (
        _("The money of disbursement %(disbursement_id)s was requested back by request %(collection_id)s."),
        _("Cancel that request if it is open; if it is settled, propose its payment hash as the proof."),
    ),
    "return-claim-missing": (
        _("No return of money was proposed for disbursement %(disbursement_id)s."),
        _("Open its page and propose one."),
    ),
    "net-below-one-franc": (
        _("%(net_msat)s are worth less than one franc."),
        _("Set a Lightning destination."),
    ),
    "francs-not-agreed": (
        _("Francs can be fixed only for a payment without a fee whose destinations are all paid in francs."),
        _("Correct the request."),
    ),
    "approval-differs": (
        _("What would be paid for %(subject)s is not what was approved."),
        _("Make a new proposal."),
    ),
    "destination-approved": (
        _("The destination of disbursement %(disbursement_id)s was approved with the payment."),
        _("Another destination needs a new proposal."),
    ),
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
    "nothing-to-write-off": (
        _("No payment of disbursement %(disbursement_id)s (%(state)s) is outside the books for good."),
        _("Open its page again: the payment is in the books, or a worker books it by itself."),
    ),
    "disbursement-not-under-review": (
        _("Disbursement %(disbursement_id)s (%(state)s) is not under review: the engine still handles it."),
        _("Wait: it comes under review automatically if the engine cannot decide."),
    ),
    "order-still-payable": (
        _("An order of disbursement %(disbursement_id)s can still be paid until %(payable_until)s."),
        _("Wait until then; the provider is asked after that without your help. Then try again."),
    ),
    "evidence-too-old": (
        _("What the provider now reports about disbursement %(disbursement_id)s is not known (%(outcome)s)."),
        _("Have the provider queried now, read its answer, and try again."),
    ),
    "outside-says-otherwise": (
        _("The provider reports that disbursement %(disbursement_id)s is under way or paid (%(outcome)s)."),
        _("It cannot be declared unpaid. Ask the payee for the preimage that their wallet shows."),
    ),
    "resolution-missing": (
        _("No outcome has been proposed for disbursement %(disbursement_id)s."),
        _("Open its page and propose one."),
    ),
    "resolution-needs-proof": (
        _("The preimage does not match the payment hash."),
        _("Ask the payee for the preimage their wallet shows for this payment."),
    ),
    "resolution-cost-out-of-range": (
        _("The cost must be between 0 and %(cost_limit)s."),
        _("Enter what the route cost; the order allowed no more."),
    ),
    "resolution-needs-explanation": (
        _("A resolution needs an explanation."),
        _("Write what you examined and what it showed."),
    ),
    "disbursement-not-held-back": (
        _("Nothing that a waiver could lift defers disbursement %(disbursement_id)s (%(state)s)."),
        _("Open its page again: it may be under way, or wait for something else."),
    ),
    "payment-limit-out-of-range": (
        _("A limit must be between %(minimum_sats)s and %(maximum_sats)s."),
        _("Enter another amount; to stop all payments, pause outgoing money."),
    ),
    "payment-limit-request-missing": (
        _("Limit request %(limit_request_id)s does not exist."),
        _("Open the list of requests again."),
    ),
    "payment-reference-used": (
        _("This invoice was already used for disbursement %(disbursement_id)s."),
        _("Ask the recipient for a new invoice and set it as the destination."),
    ),
    "treasury-kind-not-for-account": (
        _("The movement “%(kind)s” does not change the balance of %(treasury_account)s."),
        _("Choose another account, or another kind of movement."),
    ),
    "treasury-amount-out-of-range": (
        _("The amount must be above zero, and no more than half of all bitcoin."),
        _("Enter the change of the account's balance."),
    ),
    "treasury-cost-out-of-range": (
        _("This cost does not fit the movement “%(kind)s”."),
        _("Enter what the provider's record shows; a charge alone has a kind of its own."),
    ),
    "treasury-francs-do-not-fit": (
        _("Francs belong to a purchase or sale of bitcoin, and only to these."),
        _("Enter what the bank paid or received for the bitcoin, or leave the field empty."),
    ),
    "treasury-date-in-future": (
        _("The movement has not happened yet: in Dakar it is %(today)s."),
        _("Enter the day on which it happened."),
    ),
    "treasury-evidence-missing": (
        _("A movement needs its reference and an explanation."),
        _("Enter the transaction's id or the bank's reference, and what happened."),
    ),
    "bank-line-booked": (
        _("The books have the line %(reference)s of the bank already (transaction %(transaction_id)s)."),
        _("Look at what it was booked for. Each line is booked once."),
    ),
    "treasury-reference-used": (
        _("Movement %(movement_id)s has this reference: it is booked, or waits for its approval."),
        _("Open that movement. If this is another one, add what tells them apart, such as the output."),
    ),
    "treasury-reference-reversed": (
        _("%(reference)s has proven that disbursement %(disbursement_id)s came back."),
        _("Open that payment. If this is another movement, enter its own reference."),
    ),
    "treasury-account-opened": (
        _("%(treasury_account)s has its opening balance in movement %(movement_id)s."),
        _("Propose a surplus or a shortfall instead."),
    ),
    "treasury-account-short": (
        _("The books have less in %(treasury_account)s than would leave it."),
        _("Book first how the money got there, or correct the amount."),
    ),
    "treasury-movement-missing": (
        _("Movement %(movement_id)s does not exist."),
        _("Open the list of movements again."),
    ),
    "subject-held": (
        _("Disbursement %(disbursement_id)s already pays for %(subject)s."),
        _("Retry or cancel that one."),
    ),
    "funds-short": (
        _("The account's balance is lower than the payment."),
        _("Look at the account's journal entries."),
    ),
    "rail-unknown": (
        _("There is no rail called %(rail)s."),
        _("Set another destination."),
    ),
    "rail-unavailable": (
        _("%(rail)s is unavailable; nothing was sent."),
        _("Try again when it is available."),
    ),
    "rail-credentials-refused": (
        _("%(rail)s refuses our credentials; nothing was sent, and it is switched off."),
        _("Have the operator check the credentials, then propose to switch it on."),
    ),
    "provider-unknown": (
        _("No rail and no collector is called %(provider)s."),
        _("The known ones are %(known_providers)s."),
    ),
    "provider-not-switched-off": (
        _("%(provider)s is on."),
        _("There is nothing to switch on."),
    ),
    "collector-switched-off": (
        _("%(method)s is switched off; no new request for money is opened by it."),
        _("Use another method, or wait until two people have switched it on."),
    ),
    "rail-short": (
        _("%(rail)s can send %(available)s now, and this payment needs %(needed)s; nothing was sent."),
        _("Try again when it can send more."),
    ),
    "destination-kind-unsupported": (
        _("%(rail)s does not pay to destinations of the kind %(kind)s."),
        _("Set another destination."),
    ),
    "destination-unavailable": (
        _("The recipient's service %(host)s is unavailable (%(detail)s); nothing was sent."),
        _("Try again later, or set another destination."),
    ),
    "collection-not-cancellable": (
        _("Request %(collection_id)s cannot be cancelled: %(why)s."),
        _("Nothing was changed. Its present state is shown below."),
    ),
    "collector-needs-phone": (
        _("“%(method)s” asks the payer by phone, and the request has no number."),
        _("Request it again with the payer's phone, or by another method."),
    ),
    "collection-settled": (
        _("Request %(collection_id)s was paid."),
        _("The payment is booked; there is nothing left to cancel."),
    ),
    "collection-answered-elsewhere": (
        _("Request %(collection_id)s may still be paid: the node that answered did not issue it."),
        _("Have the connection to the right node restored, then cancel it."),
    ),
    "collection-currency-differs": (
        _(
            "A payment for request %(collection_id)s was reported in %(received_currency)s, not in %(currency)s."
        ),
        _("It was not booked. Look at the provider's record of this request."),
    ),
    "credit-short": (
        _("The credit holds %(available_msat)s, less than %(needed_msat)s."),
        _("Use at most what is there."),
    ),
    "credit-already-used": (
        _("Credit already pays for %(subject)s: %(amount_msat)s."),
        _("Return it before another amount is used."),
    ),
    "credit-holder-missing": (
        _("Nobody called %(user_id)s was ever a member of a group."),
        _("Enter the identifier exactly as the platform has it."),
    ),
    "credit-empty": (
        _("%(user_id)s has no credit."),
        _("There is nothing to move."),
    ),
    "credit-transfer-to-self": (
        _("The credit is that of %(user_id)s already."),
        _("Enter another person."),
    ),
    "credit-transfer-evidence-missing": (
        _("A transfer of credit needs the reference of its evidence and an explanation."),
        _("Enter both, without names and phones: they are kept."),
    ),
    "credit-transfer-proposed": (
        _("Transfer %(transfer_id)s of the credit of %(user_id)s waits for its approval."),
        _("Have it approved, or withdraw it."),
    ),
    "credit-transfer-missing": (
        _("Transfer %(transfer_id)s does not exist."),
        _("Open the list of proposals again."),
    ),
    "credit-not-used": (
        _("No credit pays for %(subject)s."),
        _("There is nothing to return."),
    ),
    "collector-unavailable": (
        _("The collector %(collector)s is unavailable, so nothing was cancelled."),
        _("Try again in a moment."),
    ),
    "collector-credentials-refused": (
        _("%(collector)s refuses our credentials; nothing was requested, and it is switched off."),
        _("Have the operator check the credentials, then propose to switch it on."),
    ),
    "issuer-missing": (
        _("Nobody has set who issues receipts."),
        _("Propose the issuer, and have another person approve it."),
    ),
    "issuer-incomplete": (
        _("The issuer needs a legal name, an address and a NINEA: %(missing)s is missing."),
        _("Complete it."),
    ),
    "tax-rate-out-of-range": (
        _("A tax rate of %(tax_rate_bps)s is not between 0 and %(maximum_bps)s."),
        _("Enter the rate in per cent."),
    ),
    "effective-in-past": (
        _("%(effective_at)s is in the past: receipts that were issued since would contradict it."),
        _("Leave the moment empty, or choose a later one."),
    ),
    "issuer-request-missing": (
        _("There is no such proposed issuer."),
        _("Open the list of issuers again."),
    ),
    "tax-rate-request-missing": (
        _("There is no such proposed tax rate."),
        _("Open the list of tax rates again."),
    ),
    "receipt-missing": (
        _("There is no receipt %(number)s."),
        _("Open the list of receipts again."),
    ),
    "receipt-link-missing": (
        _("Receipt %(number)s has no open link."),
        _("There is nothing to revoke."),
    ),
}

CODES = {
    *statement_phrases.CODES,
    "currency",
    "outcome", "outside_says", "proposed_end", "destination_kind", "rail", "method", "failure_code",
    "credit_role", "overpaid_role", "account_role", "into_role", "lifted", "return_kind", "provider",
    "switch_off_cause", "collector",
}  # fmt: skip
HASHES = {
    "reference", "return_reference", "proof", "payee", "payee_digest", "source", "destination_sha256",
    "destination_digest",
}  # fmt: skip
IN_CURRENCY = {"amount", "booked", "booked_cost", "cost", "cost_limit", "largest", "paid", "returned"}
LONG_TEXTS = {"payment_request", "reference", "source"}
ACTORS = {"opened_by", "switched_off_by"}
SUBJECTS = {"account_owner", "credit_owner", "overpaid_owner", "into_owner"}
