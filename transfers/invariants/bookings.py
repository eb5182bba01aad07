"""Holds and payments against the books: each is booked once, with exactly the lines that it must have."""

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import chain

from django.db.models import Sum

from fees.queries import fixed_fees
from fees.types import FixedFee
from ledger import queries as books
from ledger.enums import AccountRole, Currency
from ledger.services import left_over_xof
from ledger.types import Line
from sunusav.core.auditing import AuditScope, Breach
from transfers.booking import hold_lines
from transfers.enums import PAID_STATES, DisbursementState, TransactionKind
from transfers.invariants.scope import (
    SUCCEEDED,
    attempt_pages,
    disbursement_pages,
    missing,
    name_of_attempt,
)
from transfers.models import Attempt, Disbursement
from transfers.queries import debit_account, subject_of
from transfers.services.amounts import payment_lines

COST_ROLES = [AccountRole.ROUTING_EXPENSE, AccountRole.PARTNER_CHARGES]


def payments_are_booked_once(scope: AuditScope) -> Iterator[Breach]:
    for attempts in attempt_pages(scope, SUCCEEDED):
        kinds = books.kinds_of([row.payment_transaction_id for row in attempts if row.payment_transaction_id])
        for row in attempts:
            if kinds.get(row.payment_transaction_id or 0) != TransactionKind.PAYMENT:
                yield Breach("I08", name_of_attempt(row), "succeeded without a payment in the books")
    for paid in books.transactions_of_kind(TransactionKind.PAYMENT, since=scope.since):
        booked = SUCCEEDED.filter(payment_transaction_id__in=paid)
        for orphan in missing(paid, booked.values_list("payment_transaction_id", flat=True)):
            yield Breach("I08", f"journal:{orphan}", "a payment in the books without a succeeded attempt")


def payments_have_their_lines(scope: AuditScope) -> Iterator[Breach]:
    """Derive the lines of each payment from order, fixed fee and reported cost, and compare."""
    for attempts in attempt_pages(scope, SUCCEEDED):
        lines = books.lines_by_transaction([row.payment_transaction_id or 0 for row in attempts])
        fees = fixed_fees({row.disbursement.assessment_id or 0 for row in attempts})
        converted = (row.disbursement.conversion_id for row in attempts)
        rates = books.rates_of_conversions({key for key in converted if key})
        for row in attempts:
            expected = _payment_lines(row, fees.get(row.disbursement.assessment_id or 0), rates)
            in_books = lines.get(row.payment_transaction_id or 0, [])
            yield from different_lines("I08b", name_of_attempt(row), "its payment", in_books, expected)


def _payment_lines(attempt: Attempt, fee: FixedFee | None, rates: Mapping[int, Decimal]) -> list[Line]:
    row, order = attempt.disbursement, attempt.order
    rate = rates.get(row.conversion_id or 0)
    return payment_lines(row, order, fee=fee, cost=order.stated_cost(attempt.cost), rate_xof_per_btc=rate)


def cost_is_booked(scope: AuditScope) -> Iterator[Breach]:
    """Yield each payment whose stated cost is not booked with it; of a cost that was not stated, nothing is."""
    for attempts in attempt_pages(scope, SUCCEEDED):
        paid_by = [row.payment_transaction_id or 0 for row in attempts]
        booked = {
            currency: books.totals_of(paid_by, roles=COST_ROLES, currency=currency) for currency in Currency
        }
        for row in attempts:
            order = row.order
            in_books = booked[Currency(order.currency)].get(row.payment_transaction_id or 0, 0)
            if in_books != (row.cost or 0):
                yield Breach(
                    "I09", name_of_attempt(row), f"cost {row.cost} {order.currency}, booked {in_books}"
                )
            if (row.cost or 0) > order.cost_limit:
                yield Breach("I09", name_of_attempt(row), f"cost {row.cost} above {order.cost_limit}")


def holds_resolve_once(scope: AuditScope) -> Iterator[Breach]:
    """Yield each hold that is not resolved as its disbursement is; a cancelled one gave back what it held."""
    holding = Disbursement.objects.filter(hold_transaction__isnull=False)
    for rows in disbursement_pages(scope, holding):
        holds = [row.hold_transaction_id for row in rows]
        voids, kinds = books.reversals_of(holds, kind=TransactionKind.HOLD_VOID), books.kinds_of(holds)
        for row in rows:
            is_cancelled = row.state == DisbursementState.CANCELLED
            if is_cancelled != (row.hold_transaction_id in voids):
                is_held = "held" if is_cancelled else "void"
                yield Breach("I13", subject_of(row.pk), f"{row.state}, but its hold is {is_held}")
            if kinds.get(row.hold_transaction_id) != TransactionKind.HOLD:
                yield Breach("I13", subject_of(row.pk), "its hold is not booked as one")
    for held in books.transactions_of_kind(TransactionKind.HOLD, since=scope.since):
        # Earlier each attempt had a hold of its own: those of closed attempts were reversed.
        voids = books.reversals_of(held, kind=TransactionKind.HOLD_VOID)
        known = holding.filter(hold_transaction_id__in=held).values_list("hold_transaction_id", flat=True)
        for orphan in missing(held, [*known, *voids]):
            yield Breach("I13", f"journal:{orphan}", "a hold without a disbursement")


def holds_have_their_lines(scope: AuditScope) -> Iterator[Breach]:
    for rows in disbursement_pages(scope, Disbursement.objects.filter(hold_transaction__isnull=False)):
        lines = books.lines_by_transaction([row.hold_transaction_id for row in rows])
        for row in rows:
            expected = hold_lines(debit=debit_account(row), amount_msat=row.payout_msat)
            in_books = lines.get(row.hold_transaction_id, [])
            yield from different_lines("I13b", subject_of(row.pk), "its hold", in_books, expected)


def transit_is_what_is_held(scope: AuditScope) -> Iterator[Breach]:
    held_msat = -sum(books.balances_by_owner(AccountRole.IN_TRANSIT, Currency.MSAT).values())
    holding = Disbursement.objects.filter(hold_transaction__isnull=False)
    unpaid = holding.exclude(state__in=(*PAID_STATES, DisbursementState.CANCELLED))
    expected_msat = unpaid.aggregate(total=Sum("payout_msat"))["total"] or 0
    if held_msat != expected_msat:
        detail = f"holds {held_msat} msat, unpaid disbursements hold {expected_msat}"
        yield Breach("I13", "account:in_transit", detail)


def francs_are_converted(scope: AuditScope) -> Iterator[Breach]:
    """Yield each disbursement whose francs, or what they leave over, are not those of its conversion."""
    rows = Disbursement.objects.filter(conversion__isnull=False).select_related("conversion__rate")
    for row in chain.from_iterable(disbursement_pages(scope, rows)):
        assert row.conversion is not None, "filtered"  # noqa: S101  (for the type checker)
        fixed, expected = row.conversion.value, (row.net_msat, row.pay_xof, row.residue_xof)
        if (fixed.amount_msat, fixed.amount_xof, left_over_xof(fixed)) != expected:
            detail = f"{row.net_msat} msat, {row.pay_xof} XOF and {row.residue_xof} are not its conversion"
            yield Breach("I17", subject_of(row.pk), detail)


def different_lines(
    code: str, subject: str, what: str, in_books: list[Line], expected: list[Line]
) -> Iterator[Breach]:
    """Yield a breach if a transaction does not have exactly the expected lines."""
    if Counter(in_books) != Counter(expected):
        detail = f"{what} has the lines {_written(in_books)}, expected {_written(expected)}"
        yield Breach(code, subject, detail)


def _written(lines: list[Line]) -> str:
    return ", ".join(sorted(f"{line.account.code} {line.amount:+}" for line in lines)) or "none"
