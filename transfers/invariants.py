"""What must always hold of money in and out. Codes follow `reference/reliability.md` section 3."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import chain
from typing import Any, TypeVar

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from fees.queries import fixed_fees, recorded_fees, recorded_fees_since
from fees.types import FixedFee, RecordedFee
from ledger import queries as books
from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, Line
from sunusav.core.auditing import AuditScope, Breach, Invariant, pages, rows_since
from sunusav.core.money import msat_from_sats
from transfers.booking import hold_lines, paid_lines, receipt_lines
from transfers.collectors import collector
from transfers.enums import (
    LIVE_ATTEMPT_STATES,
    LIVE_COLLECTION_STATES,
    OPEN_ATTEMPT_STATES,
    PAID_STATES,
    RELEASED_STATES,
    AttemptState,
    TransactionKind,
)
from transfers.limit_invariants import LIMIT_INVARIANTS
from transfers.models import Attempt, Collection, Disbursement, Receipt
from transfers.queries import debit_account
from transfers.rails import rail
from transfers.resolution_audit import none_resolved_alone, two_people_resolved

UNKNOWN_FOR_LONG = timedelta(minutes=15)
OVERDUE_FOR_LONG = timedelta(minutes=15)
SUCCEEDED = Attempt.objects.filter(state=AttemptState.SUCCEEDED)

Row = TypeVar("Row")


def _gross_is_net_plus_fee(scope: AuditScope) -> Iterator[Breach]:
    fixed = Disbursement.objects.filter(net_sats__isnull=False)
    odd = fixed.exclude(payout_sats=F("net_sats") + F("fee_sats"), net_sats__gt=0, fee_sats__gte=0)
    for row in _each(_disbursements(scope, odd)):
        yield Breach("I04", _name(row.pk), f"{row.payout_sats} is not {row.net_sats} + {row.fee_sats}")


def _paid_exactly_once(scope: AuditScope) -> Iterator[Breach]:
    counted = Disbursement.objects.annotate(
        live=Count("attempts", filter=Q(attempts__state__in=LIVE_ATTEMPT_STATES)),
        succeeded=Count("attempts", filter=Q(attempts__state="succeeded")),
    )
    for row in _each(_disbursements(scope, counted.filter(live__gt=1))):
        yield Breach("I05", _name(row.pk), f"{row.live} live attempts")
    for row in _each(_disbursements(scope, counted.filter(state__in=PAID_STATES).exclude(succeeded=1))):
        yield Breach("I05", _name(row.pk), f"{row.state} with {row.succeeded} succeeded attempts")
    unpaid = counted.exclude(state__in=PAID_STATES)
    for row in _each(_disbursements(scope, unpaid.filter(succeeded__gt=0))):
        yield Breach("I05", _name(row.pk), f"{row.state} although an attempt succeeded")


def _one_live_per_subject(scope: AuditScope) -> Iterator[Breach]:
    live = Disbursement.objects.exclude(state__in=RELEASED_STATES)
    told: set[str] = set()
    for page in _disbursements(scope, live):
        held = live.filter(subject__in={row.subject for row in page}).values("subject")
        for found in held.annotate(n=Count("id")).filter(n__gt=1).order_by("subject"):
            if found["subject"] not in told:
                yield Breach("I05", found["subject"], f"{found['n']} live disbursements")
            told.add(found["subject"])


def _sent_amount_is_net(scope: AuditScope) -> Iterator[Breach]:
    for attempt in _each(_attempts(scope, Attempt.objects.exclude(state="void"))):
        net_sats = attempt.disbursement.net_sats
        if net_sats is None or attempt.order.amount_msat != msat_from_sats(net_sats):
            yield Breach(
                "I06", _attempt(attempt), f"order of {attempt.order.amount_msat} msat, net {net_sats} sats"
            )
        if not attempt.order.reference:
            yield Breach("I06", _attempt(attempt), "no reference outside")


def _proof_fits(scope: AuditScope) -> Iterator[Breach]:
    for attempt in _each(_attempts(scope, SUCCEEDED)):
        if not rail(attempt.order.rail).verify(attempt.order.reference, attempt.proof):
            yield Breach("I07", _attempt(attempt), "the proof does not fit the reference")


def _booked_once(scope: AuditScope) -> Iterator[Breach]:
    for attempts in _attempts(scope, SUCCEEDED):
        kinds = books.kinds_of([row.close_transaction_id for row in attempts if row.close_transaction_id])
        for row in attempts:
            if kinds.get(row.close_transaction_id or 0) != TransactionKind.PAYMENT:
                yield Breach("I08", _attempt(row), "succeeded without a payment in the books")
    for paid in books.transactions_of_kind(TransactionKind.PAYMENT, since=scope.since):
        booked = SUCCEEDED.filter(close_transaction_id__in=paid)
        for orphan in _missing(paid, booked.values_list("close_transaction_id", flat=True)):
            yield Breach("I08", f"journal:{orphan}", "a payment in the books without a succeeded attempt")


def _receipts_are_booked_once(scope: AuditScope) -> Iterator[Breach]:
    for receipts in pages(_receipts(scope)):
        kinds = books.kinds_of([row.transaction_id for row in receipts])
        for row in receipts:
            if kinds.get(row.transaction_id) != TransactionKind.RECEIPT:
                yield Breach("I08", f"receipt:{row.pk}", "not booked as a receipt")
    for received in books.transactions_of_kind(TransactionKind.RECEIPT, since=scope.since):
        booked = Receipt.objects.filter(transaction_id__in=received)
        for orphan in _missing(received, booked.values_list("transaction_id", flat=True)):
            yield Breach("I08", f"journal:{orphan}", "a receipt in the books without its payment")


def _payments_have_their_lines(scope: AuditScope) -> Iterator[Breach]:
    """Book each payment once more, from what was ordered, fixed and told, and compare."""
    for attempts in _attempts(scope, SUCCEEDED):
        lines = books.lines_by_transaction([row.close_transaction_id or 0 for row in attempts])
        fees = fixed_fees({row.disbursement.assessment_id or 0 for row in attempts})
        for row in attempts:
            expected = _payment_lines(row, fees.get(row.disbursement.assessment_id or 0))
            in_books = lines.get(row.close_transaction_id or 0, [])
            yield from _unlike("I08b", _attempt(row), "its payment", in_books, expected)


def _payment_lines(attempt: Attempt, fee: FixedFee | None) -> list[Line]:
    row, paying = attempt.disbursement, rail(attempt.order.rail)
    return paid_lines(
        payout_msat=msat_from_sats(row.payout_sats), net_msat=msat_from_sats(row.net_sats or 0), fee=fee,
        cost_msat=attempt.cost_msat or 0, paid_from=paying.account, cost=paying.cost_account,
    )  # fmt: skip


def _holds_have_their_lines(scope: AuditScope) -> Iterator[Breach]:
    for attempts in _attempts(scope, Attempt.objects.all()):
        lines = books.lines_by_transaction([row.hold_transaction_id for row in attempts])
        for row in attempts:
            ordered = row.disbursement
            expected = hold_lines(
                debit=debit_account(ordered), amount_msat=msat_from_sats(ordered.payout_sats)
            )
            in_books = lines.get(row.hold_transaction_id, [])
            yield from _unlike("I13b", _attempt(row), "its hold", in_books, expected)


def _receipts_have_their_lines(scope: AuditScope) -> Iterator[Breach]:
    """Book each receipt once more, in the order they came: what was still due depends on those before."""
    for collections in pages(
        Collection.objects.filter(receipts__isnull=False).distinct(), _collections(scope)
    ):
        of_these = Receipt.objects.filter(collection__in=collections).order_by("id")
        receipts: dict[int, list[Receipt]] = {}
        for receipt in of_these:
            receipts.setdefault(receipt.collection_id, []).append(receipt)
        lines = books.lines_by_transaction([row.transaction_id for row in chain(*receipts.values())])
        for collection in collections:
            for receipt, expected in _receipt_lines(collection, receipts[collection.pk]):
                in_books = lines.get(receipt.transaction_id, [])
                yield from _unlike("I08b", f"receipt:{receipt.pk}", "its booking", in_books, expected)


def _receipt_lines(row: Collection, receipts: list[Receipt]) -> Iterator[tuple[Receipt, list[Line]]]:
    # One that has taken money while it lived stays alive: of an expired or cancelled one nothing was due.
    due_msat = row.amount_msat if row.state in LIVE_COLLECTION_STATES else 0
    for receipt in receipts:
        yield receipt, receipt_lines(
            received_msat=receipt.received_msat, due_msat=due_msat, arrived_in=collector(row.method).account,
            credit=AccountRef(AccountRole(row.credit_role), Currency.MSAT, row.credit_owner),
            overpaid=AccountRef(AccountRole(row.overpaid_role), Currency.MSAT, row.overpaid_owner),
        )  # fmt: skip
        due_msat -= receipt.received_msat


def _unlike(
    code: str, subject: str, what: str, in_books: list[Line], expected: list[Line]
) -> Iterator[Breach]:
    if Counter(in_books) != Counter(expected):
        told = f"{what} says {_written(in_books)}, but it must say {_written(expected)}"
        yield Breach(code, subject, told)


def _written(lines: list[Line]) -> str:
    return ", ".join(sorted(f"{line.account.code} {line.amount:+}" for line in lines)) or "nothing"


def _every_fee_is_recorded(scope: AuditScope) -> Iterator[Breach]:
    priced = Disbursement.objects.filter(state__in=PAID_STATES, assessment__isnull=False)
    for paid in _disbursements(scope, priced):
        recorded = recorded_fees([_name(row.pk) for row in paid])
        for row in paid:
            found = [fee.assessment_id for fee in recorded.get(_name(row.pk), [])]
            if found != [row.assessment_id]:
                told = f"{row.state} at fee {row.assessment_id}, but recorded are {found}"
                yield Breach("I03d", _name(row.pk), told)


def _every_recorded_fee_was_earned(scope: AuditScope) -> Iterator[Breach]:
    for fees in recorded_fees_since(scope.since):
        ids = [number for fee in fees if (number := _disbursement_of(fee))]
        paid = Disbursement.objects.filter(pk__in=ids, state__in=PAID_STATES)
        priced_at = dict(paid.values_list("pk", "assessment_id"))
        for fee in fees:
            if priced_at.get(_disbursement_of(fee) or 0, "none") != fee.assessment_id:
                told = f"no paid {fee.disbursement_ref} at fee {fee.assessment_id}"
                yield Breach("I03d", f"fee_record:{fee.record_id}", told)


def _disbursement_of(fee: RecordedFee) -> int | None:
    noun, _, number = fee.disbursement_ref.partition(":")
    return int(number) if noun == "disbursement" and number.isdecimal() else None


def _cost_is_booked(scope: AuditScope) -> Iterator[Breach]:
    roles = [AccountRole.ROUTING_EXPENSE, AccountRole.PARTNER_CHARGES]
    for attempts in _attempts(scope, SUCCEEDED):
        booked = books.totals_of([row.close_transaction_id or 0 for row in attempts], roles=roles)
        for row in attempts:
            in_books, limit = booked.get(row.close_transaction_id or 0, 0), row.order.fee_limit_msat
            if in_books != row.cost_msat:
                yield Breach("I09", _attempt(row), f"cost {row.cost_msat} msat, booked {in_books}")
            if (row.cost_msat or 0) > limit:
                yield Breach("I09", _attempt(row), f"cost {row.cost_msat} above {limit}")


def _holds_resolve_once(scope: AuditScope) -> Iterator[Breach]:
    for attempts in _attempts(scope, Attempt.objects.all()):
        holds = [row.hold_transaction_id for row in attempts]
        voids, kinds = books.reversals_of(holds, kind=TransactionKind.HOLD_VOID), books.kinds_of(holds)
        for row in attempts:
            is_void = row.state in ("failed", "void")
            if is_void != (row.hold_transaction_id in voids):
                is_held = "held" if is_void else "void"
                yield Breach("I13", _attempt(row), f"{row.state}, but its hold is {is_held}")
            if kinds.get(row.hold_transaction_id) != TransactionKind.HOLD:
                yield Breach("I13", _attempt(row), "its hold is not booked as one")
    for held in books.transactions_of_kind(TransactionKind.HOLD, since=scope.since):
        holding = Attempt.objects.filter(hold_transaction_id__in=held)
        for orphan in _missing(held, holding.values_list("hold_transaction_id", flat=True)):
            yield Breach("I13", f"journal:{orphan}", "a hold without an attempt")


def _transit_is_what_is_open(scope: AuditScope) -> Iterator[Breach]:
    held = -sum(books.balances_by_owner(AccountRole.IN_TRANSIT, Currency.MSAT).values())
    open_ones = Disbursement.objects.filter(attempts__state__in=OPEN_ATTEMPT_STATES)
    expected = msat_from_sats(open_ones.aggregate(total=Sum("payout_sats"))["total"] or 0)
    if held != expected:
        yield Breach("I13", "account:in_transit", f"holds {held} msat, open attempts say {expected}")


def _receipts_are_what_was_received(scope: AuditScope) -> Iterator[Breach]:
    received: QuerySet[Any] = Collection.objects.annotate(total=Coalesce(Sum("receipts__received_msat"), 0))
    for row in _each(pages(received.exclude(received_msat=F("total")), _collections(scope))):
        yield Breach("I08", f"collection:{row.pk}", f"received {row.received_msat}, receipts say {row.total}")


def _nothing_waits_for_ever(scope: AuditScope) -> Iterable[Breach]:
    for row in Disbursement.objects.filter(due_at__lt=scope.now - OVERDUE_FOR_LONG)[:100]:
        yield Breach("I20", _name(row.pk), "due for 15 minutes, and no worker took it")
    asked_before = scope.now - UNKNOWN_FOR_LONG
    # What is not closed has no closing transaction: that has an index.
    unknown = Attempt.objects.filter(close_transaction=None, state="prepared", opened_at__lt=asked_before)
    for attempt in unknown[:100]:
        yield Breach("I20", _attempt(attempt), "its outcome is unknown for 15 minutes")


def _disbursements(scope: AuditScope, rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """Page through those rows an audit looks at: all, or what was asked for or moved since, or may still move."""
    if scope.since is None:
        return pages(rows)
    asked = rows_since(Disbursement.objects.all(), "requested_at", scope.since)
    waiting = Disbursement.objects.filter(due_at__isnull=False)
    keys = set(asked.values_list("pk", flat=True)) | set(waiting.values_list("pk", flat=True))
    for moved in _moved_attempts(scope):
        keys |= set(moved.values_list("disbursement_id", flat=True))
    return pages(rows, keys)


def _attempts(scope: AuditScope, rows: QuerySet[Attempt]) -> Iterator[list[Attempt]]:
    """Page through those rows an audit looks at: all, or what was opened or closed since, or is open."""
    rows = rows.select_related("order", "disbursement")
    if scope.since is None:
        return pages(rows)
    return pages(
        rows, {key for moved in _moved_attempts(scope) for key in moved.values_list("pk", flat=True)}
    )


def _moved_attempts(scope: AuditScope) -> list[QuerySet[Attempt]]:
    """Say what moved since in three questions, each with an index: joined by OR they would read the table."""
    first = books.first_transaction_since(scope.since)
    return [
        Attempt.objects.filter(hold_transaction_id__gte=first),
        Attempt.objects.filter(close_transaction_id__gte=first),
        Attempt.objects.filter(close_transaction=None),
    ]


def _receipts(scope: AuditScope) -> QuerySet[Receipt]:
    return Receipt.objects.filter(transaction_id__gte=books.first_transaction_since(scope.since))


def _collections(scope: AuditScope) -> set[int] | None:
    """Return the collections an audit looks at: all (None), or those asked for or paid into since."""
    if scope.since is None:
        return None
    asked = rows_since(Collection.objects.all(), "requested_at", scope.since)
    paid_into = _receipts(scope).values_list("collection_id", flat=True)
    return set(asked.values_list("pk", flat=True)) | set(paid_into)


def _each(some: Iterable[list[Row]]) -> Iterator[Row]:
    return chain.from_iterable(some)


def _missing(expected: Sequence[int], found: Iterable[int | None]) -> list[int]:
    return sorted(set(expected) - set(found))


def _name(disbursement_id: int) -> str:
    return f"disbursement:{disbursement_id}"


def _attempt(attempt: Attempt) -> str:
    return f"disbursement:{attempt.disbursement_id}:attempt:{attempt.number}"


INVARIANTS = [
    Invariant("I03d", "every paid disbursement has its fee recorded once", _every_fee_is_recorded),
    Invariant("I03d", "every fee recorded was earned by a payment", _every_recorded_fee_was_earned),
    Invariant("I04", "what left is what was owed: gross = net + fee, net > 0", _gross_is_net_plus_fee),
    Invariant("I05", "a completed disbursement has exactly one succeeded attempt", _paid_exactly_once),
    Invariant("I05", "a subject has at most one live disbursement", _one_live_per_subject),
    Invariant("I06", "what was sent is the net, under its own reference", _sent_amount_is_net),
    Invariant("I07", "every success has its proof, and it fits", _proof_fits),
    Invariant("I08", "every success is booked once", _booked_once),
    Invariant("I08", "every receipt is booked once", _receipts_are_booked_once),
    Invariant("I08", "a collection received what its receipts say", _receipts_are_what_was_received),
    Invariant("I08b", "every payment has exactly its lines", _payments_have_their_lines),
    Invariant("I08b", "every receipt has exactly its lines", _receipts_have_their_lines),
    Invariant("I09", "the cost booked is the cost told, and below its limit", _cost_is_booked),
    Invariant("I13", "every hold resolves once, and only open attempts hold", _holds_resolve_once),
    Invariant("I13b", "every hold has exactly its lines", _holds_have_their_lines),
    Invariant("I13", "in transit is exactly what open attempts hold", _transit_is_what_is_open),
    Invariant(
        "I16",
        "two people ended every resolved attempt, with its proof where it was paid",
        two_people_resolved,
    ),
    Invariant("I16", "no attempt is called unpaid by one person alone", none_resolved_alone),
    Invariant("I20", "nothing waits for ever", _nothing_waits_for_ever, waiting=True),
    *LIMIT_INVARIANTS,
]
