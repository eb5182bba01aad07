"""What a disbursement takes and pays (fee and net, francs for a net in msat, the hold), and what a collection asks."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from fees.services import fix_fee
from fees.types import FixedFee, PricedFor
from ledger.enums import ConversionKind, Currency
from ledger.errors import AccountShort, AmountNotConvertible, RateNotFresh
from ledger.queries import conversion_id, current_rate, francs_rate, xof_from_msat
from ledger.services import left_over_xof, post, record_conversion, require_owed, reverse
from ledger.types import Line, Money, msat, xof
from sunusav.core.money import msat_from_sats, sats_from_msat
from transfers.booking import hold_lines, paid_lines, shares_of
from transfers.enums import TransactionKind
from transfers.errors import FundsShort, NetBelowOneFranc
from transfers.models import Collection, Disbursement, PaymentOrder
from transfers.queries import debit_account, residue_account, subject_of
from transfers.rails import rail


def priced(row: Disbursement) -> dict[str, Any]:
    """Fix fee and net as of `terms_at`, once; return the columns to store. Raises: NetNotPositive."""
    if row.net_msat is not None:
        return {}
    if not row.group_ref:
        return {"net_msat": row.payout_msat, "fee_msat": 0}
    fixed = fix_fee(
        subject=row.subject,
        payout_sats=sats_from_msat(row.payout_msat),
        priced_for=PricedFor(row.group_ref, row.winner_ref, row.settlement_partner),
        now=row.terms_at,
    )
    fee_msat = msat_from_sats(fixed.split.fee_sats)
    return {
        "net_msat": row.payout_msat - fee_msat, "fee_msat": fee_msat, "assessment_id": fixed.assessment_id,
    }  # fmt: skip


def converted(row: Disbursement, rails: Iterable[str], *, net_msat: int, now: datetime) -> dict[str, Any]:
    """Fix the francs of a net, once, if one of the rails of its destinations pays francs; return the columns to store.

    Nothing while there is no rate that may move francs: the payment waits for one. Raises: NetBelowOneFranc.
    """
    if row.pay_xof is not None or not any(pays_francs(one) for one in rails):
        return {}
    try:
        conversion = record_conversion(
            kind=ConversionKind.DISBURSEMENT, amount=net_msat, reference=subject_of(row.pk), now=now
        )
    except RateNotFresh:
        return {}
    if conversion.amount_xof == 0:
        raise NetBelowOneFranc(net_msat=net_msat, rate_xof_per_btc=conversion.rate.rate_xof_per_btc)
    return {
        "pay_xof": conversion.amount_xof,
        "residue_xof": left_over_xof(conversion),
        "conversion_id": conversion_id(subject_of(row.pk)),
    }


def pays_francs(rail_name: str) -> bool:
    """Return whether a rail pays francs. Raises: RailUnknown."""
    return rail(rail_name).account.currency is Currency.XOF


def amount_by(row: Disbursement, rail_name: str) -> Money | None:
    """Return what a rail pays; None for francs that are not fixed yet."""
    if pays_francs(rail_name):
        return None if row.pay_xof is None else xof(row.pay_xof)
    return None if row.net_msat is None else msat(row.net_msat)


def expected_amount(rail_name: str, *, net_msat: int, pay_xof: int | None, now: datetime) -> Money:
    """Return what a rail pays, or would pay at the rate of now."""
    if not pays_francs(rail_name):
        return msat(net_msat)
    if pay_xof is not None:
        return xof(pay_xof)
    return xof(xof_from_msat(net_msat, rate_xof_per_btc=current_rate(now).rate_xof_per_btc))


def held(row: Disbursement, *, now: datetime) -> dict[str, Any]:
    """Hold the amount in the books, once, in the caller's transaction; return the columns to store.

    The account is locked first: what it holds is promised once. Raises: FundsShort.
    """
    if row.hold_transaction_id is not None:
        return {}
    debit = debit_account(row)
    try:
        require_owed({debit: row.payout_msat}, now=now)
    except AccountShort as short:
        raise FundsShort(
            subject=row.subject, needed_msat=row.payout_msat, available_msat=short.available
        ) from short
    hold_id = post(
        kind=TransactionKind.HOLD, reference=f"{subject_of(row.pk)}:hold", at=now, subject=row.subject,
        lines=hold_lines(debit=debit, amount_msat=row.payout_msat),
    )  # fmt: skip
    return {"hold_transaction_id": hold_id}


def release_hold(row: Disbursement, *, now: datetime) -> None:
    """Give the amount back to its account, in the transaction that cancels the disbursement."""
    if row.hold_transaction_id is not None:
        reverse(
            transaction_id=row.hold_transaction_id, kind=TransactionKind.HOLD_VOID,
            reference=f"{subject_of(row.pk)}:void", at=now, subject=row.subject,
        )  # fmt: skip


def payment_lines(
    row: Disbursement,
    order: PaymentOrder,
    *,
    fee: FixedFee | None,
    cost: Money | None,
    rate_xof_per_btc: Decimal | None,
) -> list[Line]:
    """Return the journal lines of an order that was paid. The rate is that of the conversion, where there is one."""
    assert row.net_msat is not None, "an order exists only for a fixed net"  # noqa: S101  (a programmer's mistake)
    paid_from, cost_account = order.accounts
    return paid_lines(
        payout_msat=row.payout_msat, fee=fee, paid=order.money(order.amount), cost=cost, paid_from=paid_from,
        cost_account=cost_account, residue=residue_account(row),
        shares=shares_of(row.net_msat, paid=order.money(order.amount), rate_xof_per_btc=rate_xof_per_btc),
    )  # fmt: skip


def fix_collection_amount(row: Collection, now: datetime) -> None:
    """Fix what the payer is asked for, and the rate of all francs of this request.

    Raises: RateNotFresh, AmountNotConvertible for a price below one sat.
    """
    if row.currency == row.due_currency:
        row.amount = row.due
        row.rate_id = francs_rate(now).id if row.currency == Currency.XOF else None
        return
    is_price = row.due_currency == Currency.XOF
    kind = ConversionKind.PRICE if is_price else ConversionKind.COLLECTION
    # The row has no key yet that the conversion could be named after.
    reference = f"collection:{uuid4()}"
    conversion = record_conversion(kind=kind, amount=row.due, reference=reference, now=now)
    row.amount = conversion.amount_msat if is_price else conversion.amount_xof
    if row.amount == 0:
        raise AmountNotConvertible(amount=row.due, currency=row.due_currency)
    row.conversion_id, row.rate_id = conversion_id(reference), conversion.rate.id
