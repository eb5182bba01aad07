"""What must always hold of money in and out."""

from sunusav.core.auditing import Invariant
from transfers.invariants import (
    attempts,
    bookings,
    credit,
    credit_transfers,
    fees,
    issued,
    leaving,
    limits,
    receipts,
    resolutions,
    reversals,
    statements,
    treasury,
    waiting,
)

INVARIANTS = [
    Invariant("I03d", "every paid disbursement has its fee recorded once", fees.every_fee_is_recorded),
    Invariant("I03d", "every fee recorded was earned by a payment", fees.every_recorded_fee_was_earned),
    Invariant(
        "I04", "what left is what was owed: gross = net + fee, net > 0", attempts.gross_is_net_plus_fee
    ),
    Invariant(
        "I05", "a completed disbursement has exactly one succeeded attempt", attempts.paid_exactly_once
    ),
    Invariant("I05", "a subject has at most one live disbursement", attempts.one_live_per_subject),
    Invariant("I06", "what was sent is the net, under its own reference", attempts.sent_amount_is_net),
    Invariant("I07", "every success has its proof, and it fits", attempts.proof_fits),
    Invariant("I08", "every success is booked once", bookings.payments_are_booked_once),
    Invariant("I08", "every receipt is booked once", receipts.receipts_are_booked_once),
    Invariant("I08", "a collection received what its receipts add up to", receipts.receipts_add_up),
    Invariant("I08b", "every payment has exactly its lines", bookings.payments_have_their_lines),
    Invariant("I08b", "every receipt has exactly its lines", receipts.receipts_have_their_lines),
    Invariant(
        "I08", "every approved movement of the treasury is booked once", treasury.movements_are_booked_once
    ),
    Invariant("I08b", "every movement has exactly its lines", treasury.movements_have_their_lines),
    Invariant("I08", "every use of credit is booked once", credit.credit_uses_are_booked_once),
    Invariant("I08b", "every use of credit has exactly its lines", credit.credit_uses_have_their_lines),
    Invariant("I08", "every transfer of credit is booked once", credit_transfers.transfers_are_booked_once),
    Invariant(
        "I08b", "every transfer of credit has exactly its lines", credit_transfers.transfers_have_their_lines
    ),
    Invariant("I16", "two people moved every credit", credit_transfers.two_people_transferred),
    Invariant("I13", "clearing holds what is paid in part", receipts.clearing_is_what_is_paid_in_part),
    Invariant("I09", "the cost booked is the cost reported, and within its limit", bookings.cost_is_booked),
    Invariant("I13", "every hold is resolved once, as its disbursement is", bookings.holds_resolve_once),
    Invariant("I13b", "every hold has exactly its lines", bookings.holds_have_their_lines),
    Invariant(
        "I13", "in transit is exactly what unpaid disbursements hold", bookings.transit_is_what_is_held
    ),
    Invariant(
        "I17", "francs are those of the conversion, to the last decimal", bookings.francs_are_converted
    ),
    Invariant(
        "I16",
        "two people resolved every resolved attempt, with its proof where it was paid",
        resolutions.two_people_resolved,
    ),
    Invariant("I25b", "every write-off is decided and has its lines", resolutions.write_offs_are_booked_once),
    Invariant("I16", "no attempt is called unpaid by one person alone", resolutions.none_resolved_alone),
    Invariant("I16", "two people had every movement of the treasury booked", treasury.two_people_booked),
    Invariant("I32", "every line of a statement is matched or open", statements.lines_are_matched_or_open),
    Invariant("I32", "every difference is what its lines are", statements.differences_follow_from_lines),
    Invariant("I32", "every match with a statement adds up", statements.matches_add_up),
    Invariant("I32", "every explained difference has its match", statements.differences_end_as_they_say),
    Invariant("I16", "two people resolved every difference", statements.two_people_resolved_differences),
    Invariant("I20", "nothing waits too long", waiting.nothing_waits_too_long, waiting=True),
    Invariant("I20", "money that came back is proposed to be booked", waiting.no_return_waits, waiting=True),
    Invariant("I20", "providers and books agree", waiting.no_mismatch_waits, waiting=True),
    Invariant("I22", "the usage of limits is what was admitted", limits.usage_is_what_was_admitted),
    Invariant("I22", "nothing passed the limit per payout without a waiver", limits.admitted_within_limit),
    Invariant("I23", "no order was opened while another could leave", leaving.another_order_waited),
    Invariant("I24", "nothing was cancelled while an order could leave", leaving.cancelling_waited),
    # Outgoing money was paused when it was found. After two people have resumed it, the audit only names it.
    Invariant("I25", "no order was paid outside the books", leaving.none_paid_outside, waiting=True),
    Invariant("I16", "two people, or the provider, prove every reversal", reversals.reversals_are_proven),
    Invariant("I27", "every reversed payment is booked back once", reversals.reversals_are_booked_once),
    Invariant("I27", "every reversal has exactly its lines", reversals.reversals_have_their_lines),
    Invariant("I26", "what may still be paid is asked about", leaving.payable_orders_are_asked_about),
    Invariant("I30", "receipts are numbered without gaps per kind and year", issued.numbers_have_no_gaps),
    Invariant("I30b", "every issued receipt shows what the books have", issued.receipts_are_as_booked),
    Invariant("I16", "two people set the issuer and the tax rate of receipts", issued.two_people_adopted),
]
