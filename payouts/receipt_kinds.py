"""The receipts that members keep: of a payout, of a contribution, and of a refund."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from ledger.enums import AccountRole
from ledger.queries import latest_rate_for_record
from ledger.types import Line
from payouts.calculations import CONTRIBUTION, REFUND, contribution_subject, refund_subject
from payouts.enums import ContributionStatus
from payouts.errors import (
    ContributionNotSettled,
    ContributionUnknown,
    PayoutNotCompleted,
    RefundMissing,
    RefundNotCompleted,
)
from payouts.models import Contribution, Cycle, Refund
from payouts.queries.cycles import contribution_by_id
from payouts.queries.refunds import refund
from payouts.receipts import francs_in, movements_of, receipt_of
from payouts.types import LIGHTNING, Receipt
from sunusav.core.money import sats_from_msat
from transfers.collection_queries import settlement_of
from transfers.credit_queries import live_credit_use
from transfers.enums import DisbursementState
from transfers.queries import conversion_of, disbursement_for, state_of
from transfers.types import ReceiptKind, ReceiptPart, ReceiptRow, RowFormat, Settlement

# The part of a fee that each account gets.
SHARES = {
    AccountRole.PLATFORM_FEE_INCOME: "platform_sats",
    AccountRole.COMMUNITY_FUND: "community_sats",
    AccountRole.PARTNER_RESERVE: "partner_sats",
}
CREDIT = "member_credit"  # the role of the account, which has a label
PAID_CONTRIBUTIONS = (ContributionStatus.SETTLED, ContributionStatus.RETURNED)
GROUP_ROWS = (
    ReceiptRow("group_name", _("Group")),
    ReceiptRow("cycle_index", _("Cycle number")),
    ReceiptRow("cycle_id", _("Cycle")),
)
PROOF_ROWS = (
    ReceiptRow("payment_hash", _("Payment hash"), RowFormat.HASH),
    ReceiptRow("preimage", _("Preimage"), RowFormat.HASH),
    ReceiptRow("reference", _("Provider's reference"), RowFormat.HASH),
    ReceiptRow("rate_xof_per_btc", _("Rate"), RowFormat.RATE),
    ReceiptRow("transactions", _("Transactions in the books"), RowFormat.NUMBERS),
)


# Payouts


def describe_payout(payout_id: int) -> dict[str, Any]:
    """Return what is on the receipt of a payout. Raises: PayoutMissing, PayoutNotCompleted."""
    paid = receipt_of(payout_id)
    if paid.status != DisbursementState.COMPLETED:
        raise PayoutNotCompleted(payout_id=payout_id, payout_status=paid.status)
    return {
        "group_id": paid.group_id, "group_name": paid.group_name, "cycle_id": paid.cycle_id,
        "cycle_index": paid.cycle_index, "user_id": paid.winner_user_id,
        "happened_at": paid.completed_at.isoformat(), "payout_sats": paid.payout_total_sats,
        "fee_sats": paid.split.fee_sats, "platform_sats": paid.split.platform_sats,
        "community_sats": paid.split.community_sats, "partner_sats": paid.split.partner_sats,
        "settlement_partner": paid.settlement_partner, "net_sats": paid.split.net_sats,
        "paid_xof": paid.paid_xof, "rail": paid.rail, **_proof_of_payout(paid),
        "schedule_version": paid.schedule_version, "rate_xof_per_btc": str(paid.rate_xof_per_btc),
        "is_fallback_rate": paid.is_fallback_rate, "short": _short(paid),
        "transactions": [movement.transaction_id for movement in paid.movements],
    }  # fmt: skip


def _short(paid: Receipt) -> str | None:
    return f"{paid.contributions_settled} / {paid.contributions_due}" if paid.is_short else None


def _proof_of_payout(paid: Receipt) -> dict[str, str]:
    if paid.rail == LIGHTNING:
        return {"payment_hash": paid.payment_hash, "preimage": paid.preimage}
    return {"reference": paid.reference}


def booked_payout(lines: Iterable[Line]) -> dict[str, int]:
    """Return the amounts of a payout from the lines of its hold and its payment."""
    amounts = dict.fromkeys(["payout_sats", "fee_sats", *SHARES.values()], 0)
    for line in lines:
        role, sats = line.account.role, sats_from_msat(abs(line.amount))
        if role is AccountRole.IN_TRANSIT and line.amount > 0:
            amounts["payout_sats"] += sats
        elif role in SHARES and line.amount < 0:
            amounts[SHARES[role]] += sats
            amounts["fee_sats"] += sats
    return {**amounts, "net_sats": amounts["payout_sats"] - amounts["fee_sats"]}


def is_payout_reversed(payout_id: int) -> bool:
    return state_of(payout_id) == DisbursementState.REVERSED


# Contributions


def describe_contribution(contribution_id: int) -> dict[str, Any]:
    """Return what is on the receipt of a contribution. Raises: ContributionUnknown, ContributionNotSettled."""
    owed = Contribution.objects.select_related("cycle__group").filter(pk=contribution_id).first()
    if owed is None:
        raise ContributionUnknown(contribution_id=contribution_id)
    facts = contribution_by_id(owed.cycle_id, owed.pk)
    if facts.status not in PAID_CONTRIBUTIONS or facts.settled_at is None:
        raise ContributionNotSettled(contribution_id=contribution_id)
    subject = contribution_subject(owed.pk)
    paid, used = settlement_of(subject), live_credit_use(subject)
    transactions = [*(paid.transaction_ids if paid else ()), *([used.transaction_id] if used else ())]
    return {
        **_cycle_facts(owed.cycle), "user_id": owed.user_id, "amount_sats": owed.amount_sats,
        "credit_used_sats": facts.credit_used_sats or None, "happened_at": facts.settled_at.isoformat(),
        "paid_xof": francs_in(paid.collection.amount) if paid else None,
        "method": paid.collection.method if paid else CREDIT, **_proof_of_contribution(paid),
        **_rate(paid, facts.settled_at), "transactions": transactions,
    }  # fmt: skip


def is_contribution_returned(contribution_id: int) -> bool:
    return Contribution.objects.filter(pk=contribution_id, return_transaction__isnull=False).exists()


def _cycle_facts(cycle: Cycle) -> dict[str, Any]:
    return {
        "group_id": cycle.group_id, "group_name": cycle.group.name, "cycle_id": cycle.pk,
        "cycle_index": cycle.cycle_index,
    }  # fmt: skip


def _proof_of_contribution(paid: Settlement | None) -> dict[str, str]:
    if paid is None:
        return {}
    references, proofs = " ".join(paid.references), " ".join(paid.proofs)
    if paid.collection.method == LIGHTNING:
        return {"payment_hash": references, "preimage": proofs}
    return {"reference": references}


def _rate(paid: Settlement | None, at: datetime) -> dict[str, Any]:
    """Return the rate of a request in francs; for one in sats, the last one known when it was paid."""
    if paid is not None and paid.rate_xof_per_btc is not None:
        rate_xof_per_btc, is_fallback = paid.rate_xof_per_btc, paid.is_fallback_rate
    else:
        known = latest_rate_for_record(at)
        rate_xof_per_btc, is_fallback = known.rate_xof_per_btc, known.is_fallback
    return {"rate_xof_per_btc": str(rate_xof_per_btc), "is_fallback_rate": is_fallback}


def booked_contribution(lines: Iterable[Line]) -> dict[str, int]:
    """Return the amount of a contribution from the lines of what paid it: what came into the pot."""
    into_pot = -sum(line.amount for line in lines if line.account.role is AccountRole.GROUP_POT)
    return {"amount_sats": sats_from_msat(into_pot)}


# Refunds


def describe_refund(refund_id: int) -> dict[str, Any]:
    """Return what is on the receipt of a refund. Raises: RefundMissing, RefundNotCompleted."""
    row = Refund.objects.filter(pk=refund_id).first()
    if row is None:
        raise RefundMissing(user_id="", refund_id=refund_id)
    paid = refund(row.user_id, row.pk)
    if paid.status != DisbursementState.COMPLETED or paid.completed_at is None:
        raise RefundNotCompleted(refund_id=refund_id, refund_status=paid.status)
    is_lightning = paid.destination.rail == LIGHTNING
    proof = {"payment_hash": paid.reference, "preimage": paid.proof}
    return {
        "user_id": paid.user_id, "happened_at": paid.completed_at.isoformat(), "amount_sats": paid.amount_sats,
        "paid_xof": paid.paid_xof, "rail": paid.destination.rail,
        **(proof if is_lightning else {"reference": paid.reference}),
        **_rate_of_refund(paid.payout_id, paid.completed_at),
        "transactions": [movement.transaction_id for movement in movements_of(paid.payout_id)],
    }  # fmt: skip


def _rate_of_refund(disbursement_id: int, at: datetime) -> dict[str, Any]:
    converted = conversion_of(disbursement_id)
    known = converted.rate if converted else latest_rate_for_record(at)
    return {"rate_xof_per_btc": str(known.rate_xof_per_btc), "is_fallback_rate": known.is_fallback}


def booked_refund(lines: Iterable[Line]) -> dict[str, int]:
    """Return the amount of a refund from the lines of its hold and its payment: what left the member's credit."""
    held = sum(
        line.amount for line in lines if line.account.role is AccountRole.IN_TRANSIT and line.amount > 0
    )
    return {"amount_sats": sats_from_msat(held)}


def is_refund_reversed(refund_id: int) -> bool:
    payment = disbursement_for(refund_subject(refund_id))
    return payment is not None and payment.state == DisbursementState.REVERSED


RECEIPTS = [
    ReceiptKind(
        kind="payout",
        prefix="PAY",
        title=_("Receipt of a payout"),
        subject_kind="disbursement",
        permission="payouts.view_payout",
        describe=describe_payout,
        booked_amounts=booked_payout,
        is_reversed=is_payout_reversed,
        taxed="fee_sats",
        parts=(
            ReceiptPart(
                _("What was paid"),
                (
                    *GROUP_ROWS,
                    ReceiptRow("user_id", _("Paid to the member")),
                    ReceiptRow("happened_at", _("Paid on"), RowFormat.MOMENT),
                    ReceiptRow("rail", _("Means of payment"), RowFormat.CODE),
                ),
            ),
            ReceiptPart(
                _("Amounts"),
                (
                    ReceiptRow("payout_sats", _("Pot of the group"), RowFormat.SATS),
                    ReceiptRow("short", _("Closed short: contributions paid")),
                    ReceiptRow("fee_sats", _("Fee"), RowFormat.SATS),
                    ReceiptRow("platform_sats", _("to SunuSàv"), RowFormat.SATS, is_share=True),
                    ReceiptRow("community_sats", _("to the community fund"), RowFormat.SATS, is_share=True),
                    ReceiptRow("partner_sats", _("to the partner"), RowFormat.SATS, is_share=True),
                    ReceiptRow("net_sats", _("Net, paid to the member"), RowFormat.SATS, is_total=True),
                    ReceiptRow("paid_xof", _("Sent in francs"), RowFormat.XOF),
                ),
            ),
            ReceiptPart(
                _("Proof"), (*PROOF_ROWS, ReceiptRow("schedule_version", _("Version of the fee schedule")))
            ),
        ),
    ),
    ReceiptKind(
        kind=CONTRIBUTION,
        prefix="COT",
        title=_("Receipt of a contribution"),
        subject_kind=CONTRIBUTION,
        permission="payouts.view_contribution",
        describe=describe_contribution,
        booked_amounts=booked_contribution,
        is_reversed=is_contribution_returned,
        parts=(
            ReceiptPart(
                _("What was paid"),
                (
                    *GROUP_ROWS,
                    ReceiptRow("user_id", _("Paid by the member")),
                    ReceiptRow("happened_at", _("Paid on"), RowFormat.MOMENT),
                    ReceiptRow("method", _("Means of payment"), RowFormat.CODE),
                ),
            ),
            ReceiptPart(
                _("Amounts"),
                (
                    ReceiptRow("amount_sats", _("Contribution"), RowFormat.SATS, is_total=True),
                    ReceiptRow("credit_used_sats", _("Paid out of credit"), RowFormat.SATS),
                    ReceiptRow("paid_xof", _("Paid in francs"), RowFormat.XOF),
                ),
            ),
            ReceiptPart(_("Proof"), PROOF_ROWS),
        ),
    ),
    ReceiptKind(
        kind=REFUND,
        prefix="REM",
        title=_("Receipt of a refund"),
        subject_kind=REFUND,
        permission="payouts.view_refund",
        describe=describe_refund,
        booked_amounts=booked_refund,
        is_reversed=is_refund_reversed,
        parts=(
            ReceiptPart(
                _("What was paid"),
                (
                    ReceiptRow("user_id", _("Paid to the member")),
                    ReceiptRow("happened_at", _("Paid on"), RowFormat.MOMENT),
                    ReceiptRow("rail", _("Means of payment"), RowFormat.CODE),
                ),
            ),
            ReceiptPart(
                _("Amounts"),
                (
                    ReceiptRow("amount_sats", _("Credit paid out"), RowFormat.SATS, is_total=True),
                    ReceiptRow("paid_xof", _("Sent in francs"), RowFormat.XOF),
                ),
            ),
            ReceiptPart(_("Proof"), PROOF_ROWS),
        ),
    ),
]
