"""Rows that break the constraints of money in and out, of limits and of resolutions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from ledger.enums import AccountRole, Currency
from ledger.services import post
from ledger.types import AccountRef, Line
from sunusav.core.models import Proposal
from sunusav.core.roles import Role
from tests.factories.limits import set_limit_to
from tests.factories.users import make_user
from tests.support.constraints import Violation, copy_of
from tests.transfers.builders import BY, NOW, attempts, ordered, row_of, run
from tests.transfers.collecting import opened, received
from tests.transfers.rails import SteeredRail, Watch
from tests.transfers.resolution_cases import PAID, Case
from transfers.enums import FailureClass
from transfers.models import (
    Attempt,
    Collection,
    Disbursement,
    LimitUsage,
    ManualResolution,
    Partner,
    PastAdmission,
    PaymentLimit,
    PaymentLimitRequest,
    PaymentOrder,
    ProviderAnswer,
    RailBreaker,
    RailLiquidity,
    RailMatch,
    RailMismatch,
    Receipt,
    ResolvedAttempt,
    WithdrawalLink,
)
from transfers.rails import rail
from transfers.services.withdrawals import open_withdrawal
from transfers.types import Refused, SendOutcome, Unknown

TOMORROW = NOW + timedelta(days=1)


def booked(reference: str) -> int:
    """Put any transaction into the books."""
    lines = [
        Line(AccountRef(AccountRole.NODE, Currency.MSAT), 1),
        Line(AccountRef(AccountRole.OPENING_BALANCE, Currency.MSAT), -1),
    ]
    return post(kind="test", reference=reference, lines=lines, at=NOW, subject="test")


def stored_copy(row: Any, **changes: Any) -> Any:
    """Store a copy of a row and return it."""
    copied = copy_of(row, **changes)
    copied.save(force_insert=True)
    return copied


# Disbursements, orders and attempts


def waiting() -> Disbursement:
    """Return a disbursement that is due tomorrow and has no price yet."""
    return row_of(ordered(scheduled_at=TOMORROW))


def processing() -> Disbursement:
    return row_of(ordered())


def attempted(*script: SendOutcome) -> Attempt:
    """Return the only attempt of a disbursement; without a script the rail pays it."""
    node = rail("lightning")
    assert isinstance(node, SteeredRail)
    node.script.extend(script)
    disbursement_id = ordered()
    run(Watch(NOW))
    return attempts(disbursement_id)[0]


def paid() -> Attempt:
    return attempted()


def in_flight() -> Attempt:
    return attempted(Unknown(seen=True, reason="in-flight"))


def failed() -> Attempt:
    return attempted(Refused("no-route", FailureClass.RETRY))


def order() -> PaymentOrder:
    return paid().order


def next_attempt(**changes: Any) -> Callable[[Attempt], dict[str, Any]]:
    """Return the changes that make a copy the next attempt, with transactions of its own."""

    def fresh(row: Attempt) -> dict[str, Any]:
        closing = None if row.close_transaction_id is None else booked("closing")
        return {
            "number": 2, "hold_transaction_id": booked("second"), "close_transaction_id": closing, **changes,
        }  # fmt: skip

    return fresh


def shared(column: str) -> Callable[[Attempt], dict[str, Any]]:
    """Return the changes that make a copy the next attempt, with one transaction of the first."""
    return lambda row: next_attempt()(row) | {column: getattr(row, column)}


OPEN_AGAIN = {"state": "prepared", "close_transaction_id": None, "closed_at": None}
CLOSED = {"closed_at": NOW, "proof": "00", "cost_msat": 0}
GROSS = "disbursement_gross_is_net_plus_fee"
PAYING = [
    Violation("disbursement_one_live_per_subject", processing, {}),
    Violation(GROSS, processing, {"fee_sats": 999}),
    Violation(GROSS, processing, {"net_sats": 100_001, "fee_sats": 1_000}),
    Violation(GROSS, processing, {"payout_sats": 100_001}),
    Violation(GROSS, waiting, {"fee_sats": 1_000}),
    Violation(GROSS, waiting, {"net_sats": 99_000}),
    *(
        Violation("disbursement_net_is_positive", processing, {"net_sats": net, "fee_sats": fee})
        for net, fee in ((0, 100_000), (-1, 100_001), (100_001, -1))
    ),
    Violation("disbursement_completed_has_moment", processing, {"state": "completed"}),
    Violation("disbursement_completed_has_moment", processing, {"completed_at": NOW}),
    Violation("disbursement_processing_has_net", waiting, {"state": "processing"}),
    Violation("disbursement_admitted_with_its_net", waiting, {"admitted_at": NOW}),
    Violation("disbursement_admitted_with_its_net", waiting, {"admitted_by_version": 1}),
    Violation("paymentorder_reference_used_once", order, lambda _: {"disbursement_id": ordered("other")}),
    Violation("paymentorder_amount_is_positive", order, {"amount_msat": 0}),
    Violation("paymentorder_amount_is_positive", order, {"amount_msat": -1}),
    Violation("paymentorder_has_reference", order, {"reference": ""}),
    Violation("disbursement_one_live_attempt", in_flight, next_attempt(state="prepared")),
    Violation("disbursement_one_live_attempt", in_flight, next_attempt()),
    # A succeeded attempt stays the live one: nothing is ever sent after it.
    Violation("disbursement_one_live_attempt", paid, next_attempt(**OPEN_AGAIN)),
    Violation("attempt_number_used_once", failed, next_attempt(number=1)),
    *(
        Violation("attempt_closed_is_booked", in_flight, {"state": state, **CLOSED})
        for state in ("failed", "void", "succeeded")
    ),
    Violation("attempt_closed_is_booked", in_flight, lambda _: {"close_transaction_id": booked("closing")}),
    Violation("attempt_closed_is_booked", failed, {"state": "in_flight"}),
    Violation("attempt_sent_has_latest_moment", in_flight, {"send_not_after": None}),
    Violation("attempt_sent_has_latest_moment", failed, {"send_not_after": None}),
    Violation("attempt_paid_outside_is_closed", in_flight, {"paid_outside_at": NOW}),
    Violation("attempt_paid_outside_is_closed", paid, {"paid_outside_at": NOW}),
    Violation("attempt_success_has_proof", paid, {"proof": ""}),
    Violation("attempt_success_has_proof", paid, {"cost_msat": -1}),
    Violation("attempt_success_has_proof", paid, {"cost_msat": None}),
    Violation("transfers_attempt.hold_transaction_id", failed, shared("hold_transaction_id")),
    Violation("transfers_attempt.close_transaction_id", failed, shared("close_transaction_id")),
]


# Collections and receipts


def collection() -> Collection:
    return Collection.objects.get(pk=opened().id)


def receipt() -> Receipt:
    received(opened())
    return Receipt.objects.get()


def partner() -> Partner:
    return Partner.objects.get(position=1)


COLLECTING = [
    Violation("collection_one_live_per_subject", collection, {"reference": "another"}),
    Violation("collection_reference_used_once", collection, {"subject": "contribution:2"}),
    Violation("collection_amount_is_positive", collection, {"amount_msat": 0}),
    Violation("collection_amount_is_positive", collection, {"amount_msat": -1}),
    Violation(
        "collection_settled_is_paid_in_full",
        collection,
        {"state": "settled", "received_msat": 9_999_999, "settled_at": NOW},
    ),
    Violation(
        "collection_settled_is_paid_in_full", collection, {"state": "settled", "received_msat": 10_000_000}
    ),
    *(
        Violation("collection_open_has_reference", collection, {"state": state, "reference": None})
        for state in ("open", "partial", "expired")
    ),
    Violation("receipt_payment_counts_once", receipt, lambda _: {"transaction_id": booked("again")}),
    Violation("receipt_amount_is_positive", receipt, {"received_msat": 0}),
    Violation("receipt_amount_is_positive", receipt, {"received_msat": -1}),
    Violation("transfers_receipt.transaction_id", receipt, {"reference": "another"}),
    Violation("transfers_partner.position", partner, {"code": "another"}),
]


# Withdrawal links


def link() -> WithdrawalLink:
    open_withdrawal(subject="cycle:c", rail="lightning", amount_sats=1, actor=BY, now=NOW)
    return WithdrawalLink.objects.get()


REDEEMED = {"redeemed_at": NOW, "destination_kind": "bolt11", "destination_value": "lnbc"}
WITHDRAWING = [
    Violation("withdrawallink_one_live_per_subject", link, {"secret_sha256": "other"}),
    Violation("withdrawallink_secret_used_once", link, {"subject": "cycle:d"}),
    Violation("withdrawallink_amount_is_positive", link, {"amount_msat": 0}),
    Violation("withdrawallink_amount_is_positive", link, {"amount_msat": -1}),
    *(
        Violation("withdrawallink_redeemed_has_destination", link, changes)
        for changes in (
            {"state": "redeemed"},
            {"state": "redeemed", "redeemed_at": NOW, "destination_kind": "bolt11"},
            {"state": "refused", "destination_kind": "bolt11", "destination_value": "lnbc"},
            {"destination_value": "lnbc"},
            {"state": "revoked", "redeemed_at": NOW},
        )
    ),
    Violation("withdrawallink_taken_has_disbursement", link, {"state": "taken", **REDEEMED}),
    Violation(
        "withdrawallink_taken_has_disbursement",
        link,
        lambda _: {"state": "redeemed", "disbursement_id": waiting().pk, **REDEEMED},
    ),
]


# Payment limits, usage, breakers


def limit() -> PaymentLimit:
    """Return a limit that two people set."""
    set_limit_to("per_payout", 5, now=NOW)
    return PaymentLimit.objects.get(kind="per_payout", version=2)


def limit_request() -> PaymentLimitRequest:
    return PaymentLimitRequest.objects.create(
        kind="per_payout", amount_sats=1, reason="x", requested_by=make_user(Role.FINANCE), requested_at=NOW
    )


def next_limit(**changes: Any) -> Callable[[PaymentLimit], dict[str, Any]]:
    """Return the changes that make a copy the next limit, with a request and a proposal of its own."""

    def fresh(row: PaymentLimit) -> dict[str, Any]:
        proposal = stored_copy(row.proposal, subject_id="another")
        return {"version": 3, "request_id": limit_request().pk, "proposal_id": proposal.pk, **changes}

    return fresh


def shared_by_limits(column: str) -> Callable[[PaymentLimit], dict[str, Any]]:
    return lambda row: next_limit()(row) | {column: getattr(row, column)}


def usage() -> LimitUsage:
    return LimitUsage.objects.create(kind="total_hour", key="2026-03-04T10:00", used_msat=1)


def admission() -> PastAdmission:
    return PastAdmission.objects.create(disbursement_id=ordered(), admitted_at=NOW, by_version=1)


def breaker() -> RailBreaker:
    return RailBreaker.objects.create(rail="lightning", changed_at=NOW)


def liquidity() -> RailLiquidity:
    return RailLiquidity.objects.create(
        rail="lightning", total_msat=2, largest_msat=1, known_at=NOW, seen_at=NOW
    )


LIMITING = [
    Violation("paymentlimitrequest_amount_in_range", limit_request, {"amount_sats": 0}),
    Violation("paymentlimitrequest_has_reason", limit_request, {"reason": ""}),
    Violation("paymentlimit_version_once_per_kind", limit, next_limit(version=2)),
    *(
        Violation("paymentlimit_amount_in_range", limit, {"kind": kind, "amount_sats": sats})
        for kind, sats in (("per_payout", 0), ("total_hour", -1), ("replaced_destination", -1))
    ),
    *(
        Violation("paymentlimit_set_by_two_people", limit, {"version": 3, missing: None})
        for missing in ("request_id", "proposal_id", "proposer_id", "approver_id")
    ),
    Violation("paymentlimit_set_by_two_people", limit, lambda row: {"approver_id": row.proposer_id}),
    Violation("paymentlimit_set_by_two_people", limit, {"version": 1, "kind": "new"}),
    Violation("transfers_paymentlimit.request_id", limit, shared_by_limits("request_id")),
    Violation("transfers_paymentlimit.proposal_id", limit, shared_by_limits("proposal_id")),
    Violation("limitusage_one_row_per_key", usage, {}),
    Violation("limitusage_is_positive", usage, {"key": "2026-03-04T11:00", "used_msat": 0}),
    Violation("pastadmission_once_per_moment", admission, {"by_version": None}),
    *(
        Violation("railbreaker_stopped_is_tried_again", breaker, {"rail": "another", **changes})
        for changes in (
            {"state": "open"},
            {"state": "half_open", "retry_at": NOW},
            {"state": "closed", "retry_at": NOW},
            {"state": "closed", "probe_id": 1},
            {"state": "open", "retry_at": NOW, "probe_id": 1},
            {"state": "ajar", "retry_at": NOW, "probe_id": 1},
        )
    ),
    *(
        Violation("railliquidity_amounts_known_together", liquidity, {"rail": "another", **changes})
        for changes in (
            {"total_msat": None, "failure_code": "rail-unavailable"},
            {"largest_msat": None, "failure_code": "rail-unavailable"},
            {"known_at": None, "failure_code": "rail-unavailable"},
            {"total_msat": -1},
            {"largest_msat": -1},
        )
    ),
    *(
        Violation("railliquidity_unknown_has_reason", liquidity, {"rail": "another", **changes})
        for changes in (
            {"seen_at": None},
            {"seen_at": None, "failure_code": "rail-unavailable"},
            {"seen_at": TOMORROW},
            {"total_msat": None, "largest_msat": None, "known_at": None},
        )
    ),
]


# Matches with providers


def match() -> RailMatch:
    return RailMatch.objects.create(
        rail="lightning", started_at=NOW, ended_at=NOW, lines_read=1, attempts_read=0, mismatches_found=1
    )


def mismatch() -> RailMismatch:
    return RailMismatch.objects.create(match=match(), code="paid-not-booked", reference="unknown")


MATCHING = [
    Violation("railmatch_ends_after_its_start", match, {"ended_at": NOW - timedelta(seconds=1)}),
    Violation("railmismatch_code_is_known", mismatch, {"code": "lost"}),
]


# Answers and resolutions


def resolved() -> ResolvedAttempt:
    node = rail("lightning")
    assert isinstance(node, SteeredRail)
    case = Case(node, Watch(NOW))
    case.approve(case.propose(PAID))
    return ResolvedAttempt.objects.get()


def resolution() -> ManualResolution:
    return resolved().resolution


def answer() -> ProviderAnswer:
    return ProviderAnswer.objects.filter(attempt=resolved().attempt)[0]


def another_resolution(row: ResolvedAttempt) -> dict[str, Any]:
    """Return an attempt, a resolution and a proposal that nothing is resolved by yet."""
    second = stored_copy(
        row.attempt, number=2, state="failed", hold_transaction_id=booked("second"),
        close_transaction_id=booked("closing"),
    )  # fmt: skip
    proposal: Proposal = stored_copy(row.proposal)
    return {
        "attempt_id": second.pk, "resolution_id": stored_copy(row.resolution).pk, "proposal_id": proposal.pk,
    }  # fmt: skip


def shared_by_resolutions(column: str) -> Callable[[ResolvedAttempt], dict[str, Any]]:
    return lambda row: another_resolution(row) | {column: getattr(row, column)}


RESOLVING = [
    Violation("provideranswer_kind_is_known", answer, {"kind": "paid"}),
    *(
        Violation("manualresolution_verdict_fits_its_facts", resolution, changes)
        for changes in (
            {"proof": ""}, {"cost_msat": None}, {"cost_msat": -1}, {"verdict": "perhaps"}, {"verdict": "not_paid"},
            {"verdict": "not_paid", "proof": ""}, {"verdict": "not_paid", "cost_msat": None},
        )
    ),
    Violation("manualresolution_is_explained", resolution, {"explanation": ""}),
    Violation("resolvedattempt_four_eyes", resolved, lambda row: {"approver_id": row.proposer_id}),
    *(
        Violation(f"transfers_resolvedattempt.{column}", resolved, shared_by_resolutions(column))
        for column in ("attempt_id", "resolution_id", "proposal_id")
    ),
]  # fmt: skip

VIOLATIONS = [*PAYING, *COLLECTING, *WITHDRAWING, *LIMITING, *MATCHING, *RESOLVING]
