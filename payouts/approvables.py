from payouts.enums import (
    CYCLE_CANCELLATION,
    CYCLE_DESTINATION,
    CYCLE_REOPENING,
    CYCLE_SHORT_CLOSING,
    GROUP_VERIFICATION,
    GROUP_VERIFICATION_REVOCATION,
    MEMBER_CORRECTION,
    MEMBER_ERASURE,
    REFUND_PAYMENT,
    WINNER_EXCHANGE,
)
from payouts.services.corrections import correct_as_approved, describe_correction
from payouts.services.destinations import describe_destination, set_destination_as_approved
from payouts.services.erasure import describe_erasure, erase_member
from payouts.services.groups import describe_group, revoke_verification, verify_group
from payouts.services.proposals import (
    cancel_as_approved,
    close_short_as_approved,
    describe_cancellation,
    describe_exchange,
    describe_refund,
    describe_short_closing,
    exchange_as_approved,
    refund_as_approved,
)
from payouts.services.reopening import describe_reopening, reopen_cycle
from sunusav.core.approvals import Approvable
from sunusav.core.bands import amount_in

__all__ = [
    "APPROVABLES",
    "CYCLE_CANCELLATION",
    "CYCLE_DESTINATION",
    "CYCLE_REOPENING",
    "CYCLE_SHORT_CLOSING",
    "GROUP_VERIFICATION",
    "GROUP_VERIFICATION_REVOCATION",
    "REFUND_PAYMENT",
    "WINNER_EXCHANGE",
]

PROPOSE = "payouts.propose_group_verification"
APPROVE = "payouts.approve_group_verification"

APPROVABLES = [
    Approvable(
        kind=CYCLE_REOPENING,
        propose_permission="payouts.propose_cycle_reopening",
        approve_permission="payouts.approve_cycle_reopening",
        describe=describe_reopening,
        apply=reopen_cycle,
        amount_of=amount_in("payout_total_sats"),
    ),
    Approvable(
        kind=CYCLE_CANCELLATION,
        propose_permission="payouts.propose_cycle_change",
        approve_permission="payouts.approve_cycle_change",
        describe=describe_cancellation,
        apply=cancel_as_approved,
        amount_of=amount_in("returned_sats"),
    ),
    Approvable(
        kind=CYCLE_SHORT_CLOSING,
        propose_permission="payouts.propose_cycle_change",
        approve_permission="payouts.approve_cycle_change",
        describe=describe_short_closing,
        apply=close_short_as_approved,
        amount_of=amount_in("payout_total_sats"),
    ),
    Approvable(
        kind=WINNER_EXCHANGE,
        propose_permission="payouts.propose_cycle_change",
        approve_permission="payouts.approve_cycle_change",
        describe=describe_exchange,
        apply=exchange_as_approved,
    ),
    Approvable(
        kind=CYCLE_DESTINATION,
        propose_permission="payouts.propose_cycle_destination",
        approve_permission="payouts.approve_cycle_destination",
        describe=describe_destination,
        apply=set_destination_as_approved,
        amount_of=amount_in("payout_total_sats"),
    ),
    Approvable(
        kind=REFUND_PAYMENT,
        propose_permission="payouts.propose_refund",
        approve_permission="payouts.approve_refund",
        describe=describe_refund,
        apply=refund_as_approved,
        amount_of=amount_in("amount_sats"),
    ),
    Approvable(
        kind=MEMBER_ERASURE,
        propose_permission="payouts.propose_member_erasure",
        approve_permission="payouts.approve_member_erasure",
        describe=describe_erasure,
        apply=erase_member,
    ),
    Approvable(
        kind=MEMBER_CORRECTION,
        propose_permission="payouts.propose_member_correction",
        approve_permission="payouts.approve_member_correction",
        describe=describe_correction,
        apply=correct_as_approved,
    ),
    Approvable(
        kind=GROUP_VERIFICATION,
        propose_permission=PROPOSE,
        approve_permission=APPROVE,
        describe=describe_group,
        apply=verify_group,
    ),
    Approvable(
        kind=GROUP_VERIFICATION_REVOCATION,
        propose_permission=PROPOSE,
        approve_permission=APPROVE,
        describe=describe_group,
        apply=revoke_verification,
    ),
]
