"""Holds and payments against the books: each is booked once, with exactly the lines that it must have."""

from collections import Counter
from collections.abc import Iterator

from django.db.models import Sum

from fees.queries import fixed_fees
from fees.types import FixedFee
from ledger import queries as books
from ledger.enums import AccountRole, Currency
from ledger.types import Line
from sunusav.core.auditing import AuditScope, Breach
from sunusav.core.money import msat_from_sats
from transfers.booking import hold_lines, paid_lines
from transfers.enums import LIVE_ATTEMPT_STATES, OPEN_ATTEMPT_STATES, TransactionKind
from transfers.invariants.scope import SUCCEEDED, attempt_pages, missing, name_of_attempt
from transfers.models import Attempt, Disbursement
from transfers.queries import debit_account
from transfers.rails import rail

COST_ROLES = [AccountRole.ROUTING_EXPENSE, AccountRole.PARTNER_CHARGES]


def payments_are_booked_once(scope: AuditScope) -> Iterator[Breach]:
    for attempts in attempt_pages(scope, SUCCEEDED):
        kinds = books.kinds_of([row.close_transaction_id for row in attempts if row.close_transaction_id])
        for row in attempts:
            if kinds.get(row.close_transaction_id or 0) != TransactionKind.PAYMENT:
                yield Breach("I08", name_of_attempt(row), "succeeded without a payment in the books")
    for paid in books.transactions_of_kind(TransactionKind.PAYMENT, since=scope.since):
        booked = SUCCEEDED.filter(close_transaction_id__in=paid)
        for orphan in missing(paid, booked.values_list("close_transaction_id", flat=True)):
            yield Breach("I08", f"journal:{orphan}", "a payment in the books without a succeeded attempt")


def payments_have_their_lines(scope: AuditScope) -> Iterator[Breach]:
    """Derive the lines of each payment from order, fixed fee and reported cost, and compare."""
    for attempts in attempt_pages(scope, SUCCEEDED):
        lines = books.lines_by_transaction([row.close_transaction_id or 0 for row in attempts])
        fees = fixed_fees({row.disbursement.assessment_id or 0 for row in attempts})
        for row in attempts:
            expected = _payment_lines(row, fees.get(row.disbursement.assessment_id or 0))
            in_books = lines.get(row.close_transaction_id or 0, [])
            yield from different_lines("I08b", name_of_attempt(row), "its payment", in_books, expected)


def _payment_lines(attempt: Attempt, fee: FixedFee | None) -> list[Line]:
    row, paid_by = attempt.disbursement, rail(attempt.order.rail)
    return paid_lines(
        payout_msat=msat_from_sats(row.payout_sats), net_msat=msat_from_sats(row.net_sats or 0), fee=fee,
        cost_msat=attempt.cost_msat or 0, paid_from=paid_by.account, cost=paid_by.cost_account,
    )  # fmt: skip


def cost_is_booked(scope: AuditScope) -> Iterator[Breach]:
    for attempts in attempt_pages(scope, SUCCEEDED):
        paid_by = [row.close_transaction_id or 0 for row in attempts]
        booked = books.totals_of(paid_by, roles=COST_ROLES, currency=Currency.MSAT)
        for row in attempts:
            in_books, limit = booked.get(row.close_transaction_id or 0, 0), row.order.fee_limit_msat
            if in_books != row.cost_msat:
                yield Breach("I09", name_of_attempt(row), f"cost {row.cost_msat} msat, booked {in_books}")
            if (row.cost_msat or 0) > limit:
                yield Breach("I09", name_of_attempt(row), f"cost {row.cost_msat} above {limit}")


def holds_resolve_once(scope: AuditScope) -> Iterator[Breach]:
    for attempts in attempt_pages(scope, Attempt.objects.all()):
        holds = [row.hold_transaction_id for row in attempts]
        voids, kinds = books.reversals_of(holds, kind=TransactionKind.HOLD_VOID), books.kinds_of(holds)
        for row in attempts:
            is_unpaid = row.state not in LIVE_ATTEMPT_STATES
            if is_unpaid != (row.hold_transaction_id in voids):
                is_held = "held" if is_unpaid else "void"
                yield Breach("I13", name_of_attempt(row), f"{row.state}, but its hold is {is_held}")
            if kinds.get(row.hold_transaction_id) != TransactionKind.HOLD:
                yield Breach("I13", name_of_attempt(row), "its hold is not booked as one")
    for held in books.transactions_of_kind(TransactionKind.HOLD, since=scope.since):
        holding = Attempt.objects.filter(hold_transaction_id__in=held)
        for orphan in missing(held, holding.values_list("hold_transaction_id", flat=True)):
            yield Breach("I13", f"journal:{orphan}", "a hold without an attempt")


def holds_have_their_lines(scope: AuditScope) -> Iterator[Breach]:
    for attempts in attempt_pages(scope, Attempt.objects.all()):
        lines = books.lines_by_transaction([row.hold_transaction_id for row in attempts])
        for row in attempts:
            amount_msat = msat_from_sats(row.disbursement.payout_sats)
            expected = hold_lines(debit=debit_account(row.disbursement), amount_msat=amount_msat)
            in_books = lines.get(row.hold_transaction_id, [])
            yield from different_lines("I13b", name_of_attempt(row), "its hold", in_books, expected)


def transit_is_what_is_open(scope: AuditScope) -> Iterator[Breach]:
    held = -sum(books.balances_by_owner(AccountRole.IN_TRANSIT, Currency.MSAT).values())
    open_ones = Disbursement.objects.filter(attempts__state__in=OPEN_ATTEMPT_STATES)
    expected = msat_from_sats(open_ones.aggregate(total=Sum("payout_sats"))["total"] or 0)
    if held != expected:
        yield Breach("I13", "account:in_transit", f"holds {held} msat, open attempts hold {expected}")


def different_lines(
    code: str, subject: str, what: str, in_books: list[Line], expected: list[Line]
) -> Iterator[Breach]:
    """Yield a breach if a transaction does not have exactly the expected lines."""
    if Counter(in_books) != Counter(expected):
        detail = f"{what} has the lines {_written(in_books)}, expected {_written(expected)}"
        yield Breach(code, subject, detail)


def _written(lines: list[Line]) -> str:
    return ", ".join(sorted(f"{line.account.code} {line.amount:+}" for line in lines)) or "none"
