"""What must always hold of cycles, contributions, members' credit and refunds."""

from payouts.invariants import contributions, credit, cycles, refunds
from sunusav.core.auditing import Invariant

INVARIANTS = [
    Invariant(
        "I05", "a cycle has one contribution per member at its creation", cycles.one_contribution_per_member
    ),
    Invariant(
        "I05",
        "a ready cycle has as many contributions settled as it says",
        cycles.ready_is_settled,
    ),
    Invariant("I05", "a cancelled cycle has returned what was settled", cycles.cancelled_is_returned),
    Invariant("I05", "only ready cycles are paid out", cycles.only_ready_cycles_are_paid_out),
    Invariant(
        "I05",
        "a pot holds what was contributed less what was paid out or returned",
        cycles.pots_hold_what_is_left,
    ),
    Invariant("I05", "every filled pot belongs to a cycle", cycles.filled_pots_belong_to_cycles),
    Invariant(
        "I08",
        "each return of a contribution is booked once, with its lines",
        contributions.returns_are_booked,
    ),
    Invariant(
        "I08",
        "credit and request of a contribution sum to its amount",
        contributions.credit_and_request_add_up,
    ),
    Invariant(
        "I08",
        "members' credit has owner and cause, and is never below zero",
        credit.credit_has_owner_and_cause,
    ),
    Invariant("I08", "each refund is one payment out of its member's credit", refunds.refunds_are_payments),
]
