"""Rows that break the constraints of money in and out, of limits and of resolutions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from ledger.enums import AccountRole, Currency
from ledger.services import post
from ledger.types import AccountRef, Line
from sunusav.core.approvals import approve
from sunusav.core.models import Proposal
from sunusav.core.privacy import seal
from sunusav.core.roles import Role
from tests.factories.limits import set_limit_to
from tests.factories.treasury import NODE, ONCHAIN, book, opening
from tests.factories.users import make_user
from tests.ledger.builders import stored_rate
from tests.ledger.violations import conversion
from tests.support.constraints import Violation, copy_of
from tests.transfers.builders import BY, NOW, attempts, destination_row, ordered, row_of, run
from tests.transfers.collecting import opened, received
from tests.transfers.rails import SteeredRail, Watch
from tests.transfers.receipt_violations import ISSUING
from tests.transfers.resolution_cases import PAID, Case
from tests.transfers.statement_violations import STATEMENTS
from transfers.enums import PAYMENT_REVERSAL, FailureClass, ReturnKind, TreasuryKind
from transfers.models import (
    Attempt,
    BookedMovement,
    Collection,
    CreditTransfer,
    CreditTransferRequest,
    CreditUse,
    Disbursement,
    DisbursementDestination,
    LimitUsage,
    ManualResolution,
    Partner,
    PastAdmission,
    PaymentLimit,
    PaymentLimitRequest,
    PaymentOrder,
    ProviderAnswer,
    ProviderSwitch,
    RailBreaker,
    RailLiquidity,
    RailMatch,
    RailMismatch,
    Receipt,
    ResolvedAttempt,
    ReturnClaim,
    Reversal,
    TreasuryMovement,
    WithdrawalLink,
)
from transfers.rails import rail
from transfers.services.cancellations import cancel_collection
from transfers.services.credit import return_credit, use_credit
from transfers.services.credit_transfers import propose_credit_transfer
from transfers.services.reversals import propose_reversal
from transfers.services.withdrawals import open_withdrawal
from transfers.types import Movement, Refused, SendOutcome, Unknown, credit_of

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


def in_francs() -> Disbursement:
    """Return one whose francs were fixed by a conversion."""
    row = processing()
    fixed = {"pay_xof": 7_920, "residue_xof": Decimal("0.5"), "conversion": conversion()}
    Disbursement.objects.filter(pk=row.pk).update(**fixed)
    return row_of(row.pk)


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


def destination() -> DisbursementDestination:
    return destination_row(ordered())


def next_attempt(**changes: Any) -> Callable[[Attempt], dict[str, Any]]:
    """Return the changes that make a copy the next attempt, with a transaction of its own."""

    def fresh(row: Attempt) -> dict[str, Any]:
        closing = None if row.payment_transaction_id is None else booked("closing")
        return {"number": 2, "payment_transaction_id": closing, **changes}

    return fresh


OPEN_AGAIN = {"state": "prepared", "payment_transaction_id": None, "closed_at": None}
CLOSED = {"closed_at": NOW, "proof": "00", "cost": 0}
GROSS = "disbursement_gross_is_net_plus_fee"
PAYING = [
    Violation(
        "disbursement_one_live_per_subject", processing, lambda _: {"hold_transaction_id": booked("hold")}
    ),
    Violation(GROSS, processing, {"fee_msat": 999_000}),
    Violation(GROSS, processing, {"net_msat": 100_001_000, "fee_msat": 1_000_000}),
    Violation(GROSS, processing, {"payout_msat": 100_001_000}),
    Violation(GROSS, waiting, {"fee_msat": 1_000}),
    Violation(GROSS, waiting, {"net_msat": 99_000}),
    *(
        Violation("disbursement_net_is_positive", processing, {"net_msat": net, "fee_msat": fee})
        for net, fee in ((0, 100_000_000), (-1, 100_000_001), (100_000_001, -1))
    ),
    Violation("disbursement_completed_has_moment", processing, {"state": "completed"}),
    Violation("disbursement_completed_has_moment", processing, {"completed_at": NOW}),
    Violation(
        "disbursement_processing_has_net",
        waiting,
        lambda _: {"state": "processing", "hold_transaction_id": booked("hold")},
    ),
    Violation("disbursement_admitted_with_its_net", waiting, {"admitted_at": NOW}),
    Violation("disbursement_admitted_with_its_net", waiting, {"admitted_by_version": 1}),
    Violation("paymentorder_reference_used_once", order, lambda _: {"disbursement_id": ordered("other")}),
    Violation("paymentorder_amount_is_positive", order, {"amount": 0}),
    Violation("paymentorder_amount_is_positive", order, {"amount": -1}),
    Violation("paymentorder_has_reference", order, {"reference": ""}),
    Violation("disbursement_one_live_attempt", in_flight, next_attempt(state="prepared")),
    Violation("disbursement_one_live_attempt", in_flight, next_attempt()),
    # A succeeded attempt stays the live one: nothing is ever sent after it.
    Violation("disbursement_one_live_attempt", paid, next_attempt(**OPEN_AGAIN)),
    Violation("attempt_number_used_once", failed, next_attempt(number=1)),
    Violation("attempt_paid_is_booked", in_flight, {"state": "succeeded", **CLOSED}),
    Violation("attempt_paid_is_booked", in_flight, {"closed_at": NOW}),
    *(
        Violation("attempt_paid_is_booked", failed, changes)
        for state in ("failed", "void")
        for changes in (
            {"state": state, "closed_at": None},
            lambda _, state=state: {"state": state, "payment_transaction_id": booked("closing")},
        )
    ),
    Violation("attempt_paid_is_booked", in_flight, lambda _: {"payment_transaction_id": booked("closing")}),
    Violation("attempt_paid_is_booked", failed, {"state": "in_flight"}),
    Violation("attempt_sent_has_latest_moment", in_flight, {"send_not_after": None}),
    Violation("attempt_sent_has_latest_moment", failed, {"send_not_after": None}),
    Violation("attempt_paid_outside_is_closed", in_flight, {"paid_outside_at": NOW}),
    Violation("attempt_paid_outside_is_closed", paid, {"paid_outside_at": NOW}),
    Violation("attempt_success_has_proof", paid, {"proof": ""}),
    Violation("attempt_success_has_proof", paid, {"cost": -1}),
    Violation("attempt_success_has_proof", paid, {"proof": "", "cost": None}),
    Violation(
        "transfers_attempt.payment_transaction_id", paid, lambda _: {"disbursement_id": ordered("another")}
    ),
    Violation(
        "transfers_disbursement.hold_transaction_id",
        processing,
        lambda row: {"subject": "cycle:another", "hold_transaction_id": row.hold_transaction_id},
    ),
    Violation("disbursement_in_process_is_held", processing, {"hold_transaction_id": None}),
    *(
        Violation("disbursement_francs_are_fixed_whole", processing, francs)
        for francs in (
            {"pay_xof": 0},
            {"residue_xof": Decimal("0.5")},
            {"pay_xof": 1, "residue_xof": Decimal("0.5")},
        )
    ),
    *(
        Violation("disbursement_francs_are_fixed_whole", in_francs, francs)
        for francs in ({"residue_xof": Decimal(1)}, {"residue_xof": None}, {"pay_xof": None})
    ),
    Violation(
        "transfers_disbursement.conversion_id",
        in_francs,
        lambda _: {"subject": "cycle:another", "hold_transaction_id": booked("hold")},
    ),
    Violation("paymentorder_currency_is_known", order, {"currency": "EUR"}),
    Violation("destination_one_per_position", destination, {}),
    Violation("destination_is_first_or_second", destination, {"position": 3}),
    Violation("destination_refused_has_code", destination, {"refused_at": NOW}),
    Violation("destination_refused_has_code", destination, {"refusal_code": "no-route"}),
]


# Collections and receipts


def collection() -> Collection:
    return Collection.objects.get(pk=opened().id)


def francs() -> Collection:
    return Collection.objects.get(pk=opened(method="franc").id)


def ended_in_part() -> Collection:
    facts = opened(method="wave")
    received(facts, 1)
    cancel_collection(collection_id=facts.id, actor=BY, reason="test", now=NOW)
    return Collection.objects.get(pk=facts.id)


def credit_use() -> CreditUse:
    lines = [
        Line(AccountRef(AccountRole.NODE, Currency.MSAT), 2), Line(credit_of("u"), -2),
    ]  # fmt: skip
    post(kind="test", reference="credit", lines=lines, at=NOW, subject="test")
    into = AccountRef(AccountRole.GROUP_POT, Currency.MSAT, "cycle:c")
    use_credit(user_id="u", amount_msat=2, into=into, subject="contribution:1", actor=BY, now=NOW)
    return CreditUse.objects.get()


def returned_use() -> CreditUse:
    credit_use()
    return_credit(subject="contribution:1", actor=BY, reason="test", now=NOW)
    return CreditUse.objects.get()


def transfer_request() -> CreditTransferRequest:
    """Return the proposed transfer of a credit of 2 msat."""
    for user_id in ("u", "v"):
        seal(f"member:{user_id}", "a name")
    lines = [
        Line(AccountRef(AccountRole.NODE, Currency.MSAT), 2), Line(credit_of("u"), -2),
    ]  # fmt: skip
    post(kind="test", reference="credit", lines=lines, at=NOW, subject="test")
    proposal = propose_credit_transfer(
        from_user_id="u", to_user_id="v", reference="file 1", explanation="heir",
        proposer=make_user(Role.FINANCE), now=NOW,
    )  # fmt: skip
    return CreditTransferRequest.objects.get(pk=proposal.subject_id)


def credit_transfer() -> CreditTransfer:
    proposal = Proposal.objects.get(kind="credit_transfer", subject_id=str(transfer_request().pk))
    approve(proposal_id=proposal.pk, approver=make_user(Role.APPROVER), digest=proposal.digest, now=NOW)
    return CreditTransfer.objects.get()


def another_transfer(row: CreditTransfer, **changes: Any) -> dict[str, Any]:
    """Return the changes that make a copy the booking of another request, by another proposal."""
    return {
        "request_id": stored_copy(row.request).pk, "proposal_id": stored_copy(row.proposal).pk,
        "transaction_id": booked("another"), **changes,
    }  # fmt: skip


def shared_by_transfers(column: str) -> Callable[[CreditTransfer], dict[str, Any]]:
    return lambda row: another_transfer(row, **{column: getattr(row, column)})


CREDIT_TRANSFERS = [
    Violation("credittransferrequest_amount_is_positive", transfer_request, {"amount_msat": 0}),
    Violation("credittransferrequest_to_another", transfer_request, {"to_owner": "member:u"}),
    Violation("credittransferrequest_has_evidence", transfer_request, {"reference": ""}),
    Violation("credittransferrequest_has_evidence", transfer_request, {"explanation": ""}),
    Violation(
        "credittransfer_four_eyes",
        credit_transfer,
        lambda row: another_transfer(row, approver_id=row.proposer_id),
    ),
    *(
        Violation(f"transfers_credittransfer.{column}", credit_transfer, shared_by_transfers(column))
        for column in ("request_id", "proposal_id", "transaction_id")
    ),
]


def receipt() -> Receipt:
    received(opened())
    return Receipt.objects.get()


def partner() -> Partner:
    return Partner.objects.get(position=1)


COLLECTING = [
    Violation("collection_one_live_per_subject", collection, {"reference": "another"}),
    Violation("collection_reference_used_once", collection, {"subject": "contribution:2"}),
    *(Violation("collection_amount_is_positive", francs, {"amount": amount}) for amount in (0, -1)),
    *(Violation("collection_due_is_positive", francs, {"due": due}) for due in (0, -1)),
    *(
        Violation("collection_currency_is_known", francs, {name: "EUR"})
        for name in ("currency", "due_currency")
    ),
    Violation("collection_due_is_asked_or_converted", collection, {"due": 9_999_999}),
    Violation("collection_due_is_asked_or_converted", francs, {"conversion_id": None}),
    Violation("collection_francs_have_rate", francs, {"rate_id": None}),
    Violation("collection_francs_have_rate", collection, lambda _: {"rate_id": stored_rate().pk}),
    Violation("transfers_collection.conversion_id", francs, {"subject": "x", "reference": "another"}),
    *(
        Violation(
            "collection_partial_is_paid_in_part", collection, {"state": "partial", "received": received}
        )
        for received in (0, 10_000_000)
    ),
    Violation(
        "collection_parts_credited_at_its_end",
        collection,
        lambda _: {"received": 1, "parts_transaction_id": booked("parts")},
    ),
    Violation(
        "collection_parts_credited_at_its_end",
        collection,
        lambda _: {"state": "expired", "parts_transaction_id": booked("parts")},
    ),
    Violation("transfers_collection.parts_transaction_id", ended_in_part, {"reference": "another"}),
    Violation(
        "collection_settled_is_paid_in_full",
        collection,
        {"state": "settled", "received": 9_999_999, "settled_at": NOW},
    ),
    Violation("collection_settled_is_paid_in_full", collection, {"state": "settled", "received": 10_000_000}),
    *(
        Violation(
            "collection_open_has_reference",
            collection,
            {"state": state, "received": received, "reference": None},
        )
        for state, received in (("open", 0), ("partial", 1), ("expired", 0))
    ),
    Violation("receipt_payment_counts_once", receipt, lambda _: {"transaction_id": booked("again")}),
    Violation("receipt_amount_is_positive", receipt, {"received": 0}),
    Violation("receipt_amount_is_positive", receipt, {"received": -1}),
    Violation("receipt_use_is_known", receipt, {"use": "gift"}),
    Violation("credituse_one_live_per_subject", credit_use, lambda _: {"transaction_id": booked("another")}),
    *(Violation("credituse_amount_is_positive", credit_use, {"amount_msat": amount}) for amount in (0, -1)),
    Violation("credituse_returned_is_booked", credit_use, {"returned_at": NOW}),
    Violation(
        "credituse_returned_is_booked", credit_use, lambda _: {"return_transaction_id": booked("another")}
    ),
    Violation("transfers_credituse.transaction_id", credit_use, {"subject": "contribution:2"}),
    Violation(
        "transfers_credituse.return_transaction_id", returned_use, lambda _: {"transaction_id": booked("x")}
    ),
    Violation("transfers_receipt.transaction_id", receipt, {"reference": "another"}),
    Violation("transfers_partner.position", partner, {"code": "another"}),
]


# Withdrawal links


def link() -> WithdrawalLink:
    open_withdrawal(subject="cycle:c", rail="lightning", amount_sats=1, actor=BY, now=NOW)
    return WithdrawalLink.objects.get()


REDEEMED = {"redeemed_at": NOW, "destination_kind": "bolt11", "sealed_destination": b"lnbc"}
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
            {"state": "refused", "destination_kind": "bolt11", "sealed_destination": b"lnbc"},
            {"sealed_destination": b"lnbc"},
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


def switch() -> ProviderSwitch:
    return ProviderSwitch.objects.create(provider="lightning", is_on=False, reason="odd", changed_at=NOW)


def liquidity() -> RailLiquidity:
    return RailLiquidity.objects.create(
        rail="lightning", currency="msat", total=2, largest=1, known_at=NOW, seen_at=NOW
    )


def compared_liquidity() -> RailLiquidity:
    """Return a rail that holds 5 msat of which the books know 3."""
    return RailLiquidity.objects.create(
        rail="lightning", total=2, largest=1, known_at=NOW, seen_at=NOW, currency="msat",
        provider_amount=5, booked_amount=3, difference_amount=2, balance_at=NOW, differs_since=NOW,
    )  # fmt: skip


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
        Violation("providerswitch_off_has_reason", switch, {"provider": "another", **changes})
        for changes in ({"reason": ""}, {"changed_at": None})
    ),
    Violation(
        "providerswitch_on_has_no_cause",
        switch,
        {"provider": "another", "is_on": True, "code": "rail-credentials-refused"},
    ),
    *(
        Violation("railliquidity_amounts_known_together", liquidity, {"rail": "another", **changes})
        for changes in (
            {"total": None, "failure_code": "rail-unavailable"},
            {"largest": None, "failure_code": "rail-unavailable"},
            {"known_at": None, "failure_code": "rail-unavailable"},
            {"total": -1},
            {"largest": -1},
        )
    ),
    *(
        Violation("railliquidity_balances_known_together", compared_liquidity, {"rail": "another", **changes})
        for changes in (
            {"currency": ""},
            {"currency": "EUR"},
            {"provider_amount": None},
            {"booked_amount": None},
            {"difference_amount": None, "differs_since": None},
            {"balance_at": None},
        )
    ),
    *(
        Violation("railliquidity_differs_since_a_moment", compared_liquidity, {"rail": "another", **changes})
        for changes in ({"differs_since": None}, {"difference_amount": 0})
    ),
    Violation("railliquidity_differs_since_a_moment", liquidity, {"rail": "another", "differs_since": NOW}),
    *(
        Violation("railliquidity_unknown_has_reason", liquidity, {"rail": "another", **changes})
        for changes in (
            {"seen_at": None},
            {"seen_at": None, "failure_code": "rail-unavailable"},
            {"seen_at": TOMORROW},
            {"total": None, "largest": None, "known_at": None},
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


def written_off() -> ResolvedAttempt:
    row = resolved()
    loss: ResolvedAttempt = stored_copy(row, **another_resolution(row), transaction_id=booked("first"))
    return loss


def resolution() -> ManualResolution:
    return resolved().resolution


def answer() -> ProviderAnswer:
    return ProviderAnswer.objects.filter(attempt=resolved().attempt)[0]


def another_resolution(row: ResolvedAttempt) -> dict[str, Any]:
    """Return an attempt, a resolution and a proposal that nothing is resolved by yet."""
    second = stored_copy(
        row.attempt, number=1 + Attempt.objects.count(), state="failed", payment_transaction_id=None,
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
            {"proof": ""}, {"proof": "", "cost": None}, {"cost": -1}, {"verdict": "written_off", "cost": -1},
            {"verdict": "written_off", "proof": "", "cost": None}, {"verdict": "perhaps"}, {"verdict": "not_paid"},
            {"verdict": "not_paid", "proof": ""}, {"verdict": "not_paid", "cost": None},
        )
    ),
    Violation("manualresolution_is_explained", resolution, {"explanation": ""}),
    Violation("resolvedattempt_four_eyes", resolved, lambda row: {"approver_id": row.proposer_id}),
    *(
        Violation(f"transfers_resolvedattempt.{column}", resolved, shared_by_resolutions(column))
        for column in ("resolution_id", "proposal_id")
    ),
    Violation("resolvedattempt_decides_once", resolved, shared_by_resolutions("attempt_id")),
    Violation(
        "resolvedattempt_writes_off_once", written_off,
        lambda row: shared_by_resolutions("attempt_id")(row) | {"transaction_id": booked("second")},
    ),
    Violation("transfers_resolvedattempt.transaction_id", written_off, shared_by_resolutions("transaction_id")),
]  # fmt: skip

# Movements of the treasury


def movement() -> TreasuryMovement:
    """Return a channel of the node that was funded from the chain for 5 msat."""
    book(opening(ONCHAIN, 1_000), now=NOW)
    return book(Movement(TreasuryKind.CHANNEL_FUNDING, NODE, 100, cost=5), now=NOW).movement


def booked_movement() -> BookedMovement:
    return book(opening(), now=NOW)


def next_booking(**changes: Any) -> Callable[[BookedMovement], dict[str, Any]]:
    """Return the changes that make a copy the booking of another movement, with all it needs of its own."""

    def fresh(row: BookedMovement) -> dict[str, Any]:
        return {
            "movement_id": stored_copy(row.movement).pk, "reference": "another", "opened_account": None,
            "proposal_id": stored_copy(row.proposal).pk, "transaction_id": booked("another"), **changes,
        }  # fmt: skip

    return fresh


def shared_by_bookings(column: str) -> Callable[[BookedMovement], dict[str, Any]]:
    return lambda row: next_booking()(row) | {column: getattr(row, column)}


FITS, COSTS, FRANCS = (
    "treasurymovement_kind_fits_its_account",
    "treasurymovement_cost_fits_its_kind",
    "treasurymovement_francs_of_exchanges",
)
MOVING = [
    Violation("treasurymovement_kind_is_known", movement, {"kind": "gift", "cost": 0}),
    *(
        Violation(FITS, movement, changes)
        for changes in (
            {"account_role": "bank"},
            {"account_currency": "XOF"},
            {"kind": "float_top_up"},
            {"kind": "float_top_up", "account_role": "partner_float"},
            {"kind": "bitcoin_sale", "account_currency": "XOF", "exchanged_xof": 1},
        )
    ),
    Violation("treasurymovement_amount_is_positive", movement, {"amount": 0}),
    Violation("treasurymovement_amount_is_positive", movement, {"amount": -1}),
    Violation(COSTS, movement, {"cost": -1}),
    Violation(COSTS, movement, {"kind": "surplus"}),
    Violation(COSTS, movement, {"kind": "channel_closing", "cost": 101}),
    Violation(FRANCS, movement, {"exchanged_xof": 1}),
    Violation(FRANCS, movement, {"kind": "bitcoin_sale"}),
    Violation(FRANCS, movement, {"kind": "bitcoin_sale", "exchanged_xof": 0}),
    Violation("treasurymovement_has_evidence", movement, {"reference": ""}),
    Violation("treasurymovement_has_evidence", movement, {"explanation": ""}),
    Violation("bookedmovement_reference_used_once", booked_movement, shared_by_bookings("reference")),
    Violation("bookedmovement_account_opened_once", booked_movement, shared_by_bookings("opened_account")),
    Violation("bookedmovement_four_eyes", booked_movement, lambda row: {"approver_id": row.proposer_id}),
    *(
        Violation(f"transfers_bookedmovement.{column}", booked_movement, shared_by_bookings(column))
        for column in ("movement_id", "proposal_id", "transaction_id")
    ),
]


# Reversals


def claim() -> ReturnClaim:
    """Return the claim of one person that a bank line brought a payment back."""
    propose_reversal(
        disbursement_id=paid().disbursement_id, kind=ReturnKind.BANK_LINE, reference=f"{'ab' * 32}:0",
        explanation="the statement shows it", proposer=make_user(Role.FINANCE), now=NOW,
    )  # fmt: skip
    return ReturnClaim.objects.get()


def reversal() -> Reversal:
    """Return the reversal that two people decided."""
    proposed = claim()
    proposal = Proposal.objects.get(kind=PAYMENT_REVERSAL, subject_id=str(proposed.attempt.disbursement_id))
    approve(proposal_id=proposal.pk, approver=make_user(Role.APPROVER), digest=proposal.digest, now=NOW)
    return Reversal.objects.get()


def another_reversal(row: Reversal, **changes: Any) -> dict[str, Any]:
    """Return the changes that make a copy a reversal of another attempt, with its own proof and approval."""
    second = stored_copy(row.attempt, number=2, state="failed", payment_transaction_id=None)
    return {
        "attempt_id": second.pk, "reference": "line-2", "transaction_id": booked("again"),
        "claim_id": stored_copy(row.claim).pk, "proposal_id": stored_copy(row.proposal).pk, **changes,
    }  # fmt: skip


def shared_by_reversals(column: str) -> Callable[[Reversal], dict[str, Any]]:
    return lambda row: another_reversal(row, **{column: getattr(row, column)})


def next_reversal(**changes: Any) -> Callable[[Reversal], dict[str, Any]]:
    return lambda row: another_reversal(row, **changes)


PROVEN = "reversal_is_proven_by_provider_or_two_people"
REVERSING = [
    Violation("returnclaim_has_reference", claim, {"reference": ""}),
    Violation("returnclaim_is_explained", claim, {"explanation": ""}),
    Violation("returnclaim_needs_people", claim, {"kind": "provider_reversal"}),
    Violation("reversal_proof_counts_once", reversal, shared_by_reversals("reference")),
    Violation("reversal_amount_is_positive", reversal, next_reversal(amount=0)),
    Violation("reversal_amount_is_positive", reversal, next_reversal(amount=-1)),
    Violation("reversal_has_reference", reversal, next_reversal(reference="")),
    Violation("reversal_cost_comes_from_its_provider", reversal, next_reversal(returned_cost=1)),
    Violation("reversal_cost_comes_from_its_provider", reversal, next_reversal(returned_cost=-1)),
    *(
        Violation(PROVEN, reversal, next_reversal(**{missing: None}))
        for missing in ("claim_id", "proposal_id", "proposer_id", "approver_id")
    ),
    Violation(PROVEN, reversal, next_reversal(kind="provider_reversal")),
    Violation(PROVEN, reversal, lambda row: another_reversal(row, approver_id=row.proposer_id)),
    *(
        Violation(f"transfers_reversal.{column}", reversal, shared_by_reversals(column))
        for column in ("attempt_id", "transaction_id", "claim_id", "proposal_id")
    ),
]

VIOLATIONS = [
    *MOVING,
    *PAYING,
    *COLLECTING,
    *WITHDRAWING,
    *LIMITING,
    *MATCHING,
    *RESOLVING,
    *REVERSING,
    *CREDIT_TRANSFERS,
    *ISSUING,
    *STATEMENTS,
]
