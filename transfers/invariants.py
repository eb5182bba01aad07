"""What must always hold of money in and out. Codes follow `reference/reliability.md` section 3."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from django.db.models import Count, F, Q, QuerySet, Sum

from ledger.enums import AccountRole, Currency
from ledger.queries import balances_by_owner, reversals_by_transaction, totals_by_transaction
from sunusav.core.auditing import AuditScope, Breach, Invariant
from sunusav.core.money import msat_from_sats
from transfers.enums import LIVE_ATTEMPT_STATES, OPEN_ATTEMPT_STATES, RELEASED_STATES, TransactionKind
from transfers.models import Attempt, Collection, Disbursement, Receipt
from transfers.rails import rail

UNKNOWN_FOR_LONG = timedelta(minutes=15)
OVERDUE_FOR_LONG = timedelta(minutes=15)


def _gross_is_net_plus_fee(scope: AuditScope) -> Iterator[Breach]:
    fixed = _disbursements(scope).filter(net_sats__isnull=False)
    for row in fixed.exclude(payout_sats=F("net_sats") + F("fee_sats"), net_sats__gt=0, fee_sats__gte=0):
        yield Breach("I04", _name(row.pk), f"{row.payout_sats} is not {row.net_sats} + {row.fee_sats}")


def _paid_exactly_once(scope: AuditScope) -> Iterator[Breach]:
    counted = _disbursements(scope).annotate(
        live=Count("attempts", filter=Q(attempts__state__in=LIVE_ATTEMPT_STATES)),
        succeeded=Count("attempts", filter=Q(attempts__state="succeeded")),
    )
    for row in counted.filter(live__gt=1):
        yield Breach("I05", _name(row.pk), f"{row.live} live attempts")
    for row in counted.filter(state__in=("completed", "reversed")).exclude(succeeded=1):
        yield Breach("I05", _name(row.pk), f"{row.state} with {row.succeeded} succeeded attempts")
    for row in counted.exclude(state__in=("completed", "reversed")).filter(succeeded__gt=0):
        yield Breach("I05", _name(row.pk), f"{row.state} although an attempt succeeded")


def _one_live_per_subject(scope: AuditScope) -> Iterator[Breach]:
    live = Disbursement.objects.exclude(state__in=RELEASED_STATES)
    for held in live.values("subject").annotate(n=Count("id")).filter(n__gt=1):
        yield Breach("I05", held["subject"], f"{held['n']} live disbursements")


def _sent_amount_is_net(scope: AuditScope) -> Iterator[Breach]:
    attempts = _attempts(scope).exclude(state="void").select_related("order", "disbursement")
    for attempt in attempts.iterator():
        net_sats = attempt.disbursement.net_sats
        if net_sats is None or attempt.order.amount_msat != msat_from_sats(net_sats):
            yield Breach(
                "I06", _attempt(attempt), f"order of {attempt.order.amount_msat} msat, net {net_sats} sats"
            )
        if not attempt.order.reference:
            yield Breach("I06", _attempt(attempt), "no reference outside")


def _proof_fits(scope: AuditScope) -> Iterator[Breach]:
    for attempt in _attempts(scope).filter(state="succeeded").select_related("order").iterator():
        if not rail(attempt.order.rail).verify(attempt.order.reference, attempt.proof):
            yield Breach("I07", _attempt(attempt), "the proof does not fit the reference")


def _booked_once(scope: AuditScope) -> Iterator[Breach]:
    payments = reversals_by_transaction(TransactionKind.PAYMENT)
    booked = set()
    for attempt in Attempt.objects.filter(state="succeeded").iterator():
        booked.add(attempt.close_transaction_id)
        if attempt.close_transaction_id not in payments:
            yield Breach("I08", _attempt(attempt), "succeeded without a payment in the books")
    for orphan in sorted(payments.keys() - booked):
        yield Breach("I08", f"journal:{orphan}", "a payment in the books without a succeeded attempt")
    receipts = reversals_by_transaction(TransactionKind.RECEIPT)
    for receipt_id, transaction_id in Receipt.objects.values_list("id", "transaction_id").iterator():
        if transaction_id not in receipts:
            yield Breach("I08", f"receipt:{receipt_id}", "not booked as a receipt")


def _cost_is_booked(scope: AuditScope) -> Iterator[Breach]:
    booked = totals_by_transaction([AccountRole.ROUTING_EXPENSE, AccountRole.PARTNER_CHARGES])
    for attempt in _attempts(scope).filter(state="succeeded").select_related("order").iterator():
        in_books = booked.get(attempt.close_transaction_id or 0, 0)
        if in_books != attempt.cost_msat:
            yield Breach("I09", _attempt(attempt), f"cost {attempt.cost_msat} msat, booked {in_books}")
        if (attempt.cost_msat or 0) > attempt.order.fee_limit_msat:
            yield Breach(
                "I09", _attempt(attempt), f"cost {attempt.cost_msat} above {attempt.order.fee_limit_msat}"
            )


def _holds_resolve_once(scope: AuditScope) -> Iterator[Breach]:
    resolved = set(reversals_by_transaction(TransactionKind.HOLD_VOID).values())
    holds = reversals_by_transaction(TransactionKind.HOLD).keys()
    for attempt in Attempt.objects.iterator():
        is_void = attempt.state in ("failed", "void")
        if is_void != (attempt.hold_transaction_id in resolved):
            yield Breach(
                "I13", _attempt(attempt), f"{attempt.state}, but its hold is {'held' if is_void else 'void'}"
            )
    held_by = set(Attempt.objects.values_list("hold_transaction_id", flat=True))
    for orphan in sorted(holds - held_by):
        yield Breach("I13", f"journal:{orphan}", "a hold without an attempt")


def _transit_is_what_is_open(scope: AuditScope) -> Iterator[Breach]:
    held = -sum(balances_by_owner(AccountRole.IN_TRANSIT, Currency.MSAT).values())
    open_ones = Disbursement.objects.filter(attempts__state__in=OPEN_ATTEMPT_STATES)
    expected = msat_from_sats(open_ones.aggregate(total=Sum("payout_sats"))["total"] or 0)
    if held != expected:
        yield Breach("I13", "account:in_transit", f"holds {held} msat, open attempts say {expected}")


def _receipts_are_what_was_received(scope: AuditScope) -> Iterator[Breach]:
    for row in Collection.objects.annotate(total=Sum("receipts__received_msat")):
        if row.received_msat != (row.total or 0):
            yield Breach(
                "I08", f"collection:{row.pk}", f"received {row.received_msat}, receipts say {row.total or 0}"
            )


def _nothing_waits_for_ever(scope: AuditScope) -> Iterable[Breach]:
    for row in Disbursement.objects.filter(due_at__lt=scope.now - OVERDUE_FOR_LONG)[:100]:
        yield Breach("I20", _name(row.pk), "due for 15 minutes, and no worker took it")
    asked_before = scope.now - UNKNOWN_FOR_LONG
    for attempt in Attempt.objects.filter(state="prepared", opened_at__lt=asked_before)[:100]:
        yield Breach("I20", _attempt(attempt), "its outcome is unknown for 15 minutes")


def _disbursements(scope: AuditScope) -> QuerySet[Disbursement]:
    """Return the disbursements an audit looks at: all, or those that moved since a moment or still may."""
    if scope.since is None:
        return Disbursement.objects.all()
    moved = Q(requested_at__gte=scope.since) | Q(completed_at__gte=scope.since) | Q(due_at__isnull=False)
    return Disbursement.objects.filter(moved)


def _attempts(scope: AuditScope) -> QuerySet[Attempt]:
    if scope.since is None:
        return Attempt.objects.all()
    return Attempt.objects.filter(
        Q(opened_at__gte=scope.since) | Q(closed_at__gte=scope.since) | Q(closed_at=None)
    )


def _name(disbursement_id: int) -> str:
    return f"disbursement:{disbursement_id}"


def _attempt(attempt: Attempt) -> str:
    return f"disbursement:{attempt.disbursement_id}:attempt:{attempt.number}"


INVARIANTS = [
    Invariant("I04", "what left is what was owed: gross = net + fee, net > 0", _gross_is_net_plus_fee),
    Invariant("I05", "a completed disbursement has exactly one succeeded attempt", _paid_exactly_once),
    Invariant("I05", "a subject has at most one live disbursement", _one_live_per_subject),
    Invariant("I06", "what was sent is the net, under its own reference", _sent_amount_is_net),
    Invariant("I07", "every success has its proof, and it fits", _proof_fits),
    Invariant("I08", "every success and every receipt is booked once", _booked_once),
    Invariant("I08", "a collection received what its receipts say", _receipts_are_what_was_received),
    Invariant("I09", "the cost booked is the cost told, and below its limit", _cost_is_booked),
    Invariant("I13", "every hold resolves once, and only open attempts hold", _holds_resolve_once),
    Invariant("I13", "in transit is exactly what open attempts hold", _transit_is_what_is_open),
    Invariant("I20", "nothing waits for ever", _nothing_waits_for_ever, waiting=True),
]
