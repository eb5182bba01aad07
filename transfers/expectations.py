"""What this app expects in statements: payments, money received, returns, and movements of the treasury."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.db.models import Q, QuerySet

from ledger.enums import Currency
from ledger.types import AccountRef
from sunusav.core.calendar import DAKAR
from transfers.collectors import collector
from transfers.enums import AttemptState, ReturnKind, TreasuryKind
from transfers.models import Attempt, Receipt, Reversal, TreasuryMovement
from transfers.rails import rail
from transfers.treasury_booking import movement_lines
from transfers.types import BANK_SOURCE, ExpectationSource, ExpectedLine
from transfers.types.accounts import BANK

XOF: Final = Currency.XOF.value


def _rails() -> list[str]:
    return [name for name in settings.RAILS if rail(name).account.currency is Currency.XOF]


def _collectors() -> list[str]:
    return [name for name in settings.COLLECTORS if collector(name).account.currency is Currency.XOF]


def account_of_source(source: str) -> AccountRef:
    """Return the account whose statement a source gives."""
    if source == BANK_SOURCE:
        return BANK
    return rail(source).account if source in settings.RAILS else collector(source).account


@dataclass(frozen=True)
class _Rows:
    """Rows of one kind that are expected in statements, and what is expected for each."""

    prefix: str
    rows: Callable[[str], QuerySet[Any]]
    line: Callable[[str, str, Any], ExpectedLine]
    moment: str
    references: Sequence[str]

    def within(self, source: str, since: date, through: date) -> Iterator[ExpectedLine]:
        first, end = _midnight(since), _midnight(through + timedelta(days=1))
        yield from self._lines(source, Q((f"{self.moment}__gte", first), (f"{self.moment}__lt", end)))

    def by_references(self, source: str, references: Collection[str]) -> Iterator[ExpectedLine]:
        for name in self.references:
            yield from self._lines(source, Q((f"{name}__in", list(references))))

    def by_keys(self, source: str, keys: Collection[str]) -> Iterator[ExpectedLine]:
        own = [key.removeprefix(f"{self.prefix}:") for key in keys if key.startswith(f"{self.prefix}:")]
        yield from self._lines(source, Q(pk__in=[int(key) for key in own if key.isdecimal()]))

    def _lines(self, source: str, condition: Q) -> Iterable[ExpectedLine]:
        found = (
            self.line(source, f"{self.prefix}:{row.pk}", row) for row in self.rows(source).filter(condition)
        )
        return (one for one in found if one.amount_xof)

    def expected_in(self, sources: Callable[[], Collection[str]]) -> ExpectationSource:
        return ExpectationSource(self.prefix, sources, self.within, self.by_references, self.by_keys)


class _Returns(_Rows):
    """Reversals, which have the provider's reference after its name."""

    def by_references(self, source: str, references: Collection[str]) -> Iterator[ExpectedLine]:
        yield from super().by_references(source, [*references, *(f"{source}:{one}" for one in references)])


class _DayRows(_Rows):
    """Movements, which have a day."""

    def within(self, source: str, since: date, through: date) -> Iterator[ExpectedLine]:
        days = Q((f"{self.moment}__gte", since), (f"{self.moment}__lte", through))
        yield from self._lines(source, days & ~Q(kind__in=WITHOUT_LINES))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=DAKAR)


def _payments(source: str) -> QuerySet[Attempt]:
    paid = Attempt.objects.filter(state=AttemptState.SUCCEEDED)
    return paid.filter(order__rail=source, order__currency=XOF).select_related("order")


def _payment(source: str, key: str, row: Attempt) -> ExpectedLine:
    assert row.closed_at is not None, "a paid attempt is closed"  # noqa: S101  (a constraint of the table)
    references = (row.order.reference, row.proof)
    subject = f"disbursement:{row.disbursement_id}"
    return ExpectedLine(key, references, -Decimal(row.order.amount), _day(row.closed_at), subject)


def _receipts(source: str) -> QuerySet[Receipt]:
    return Receipt.objects.filter(method=source, collection__currency=XOF).select_related("collection")


def _receipt(source: str, key: str, row: Receipt) -> ExpectedLine:
    references = (row.reference, row.collection.reference or "", row.proof)
    subject = f"collection:{row.collection_id}"
    return ExpectedLine(key, references, Decimal(row.received), _day(row.received_at), subject)


def _reversals(source: str) -> QuerySet[Reversal]:
    """Return what came back: at the provider that had paid it, or as a line of the bank."""
    rows = Reversal.objects.filter(currency=XOF).select_related("attempt__order")
    if source == BANK_SOURCE:
        return rows.filter(kind=ReturnKind.BANK_LINE)
    return rows.filter(kind=ReturnKind.PROVIDER_REVERSAL, attempt__order__rail=source)


def _reversal(source: str, key: str, row: Reversal) -> ExpectedLine:
    references = (row.reference.removeprefix(f"{source}:"), row.attempt.order.reference)
    subject = f"disbursement:{row.attempt.disbursement_id}"
    return ExpectedLine(key, references, Decimal(row.amount), _day(row.returned_at), subject)


# Booked without a line of a statement: a balance that was found, or a difference that two people accepted.
WITHOUT_LINES: Final = (TreasuryKind.OPENING_BALANCE, TreasuryKind.SURPLUS, TreasuryKind.SHORTFALL)


def _movements(source: str) -> QuerySet[TreasuryMovement]:
    return TreasuryMovement.objects.filter(booked__isnull=False).exclude(kind=TreasuryKind.OPENING_BALANCE)


def _movement(source: str, key: str, row: TreasuryMovement) -> ExpectedLine:
    account = account_of_source(source)
    amount = sum(line.amount for line in movement_lines(row.value) if line.account == account)
    subject = f"treasury_movement:{row.pk}"
    return ExpectedLine(key, (row.reference,), Decimal(amount), row.happened_on, subject)


def _day(moment: datetime) -> date:
    return moment.astimezone(DAKAR).date()


def _with_bank(names: Collection[str]) -> list[str]:
    return [*names, BANK_SOURCE]


_PAYMENTS = _Rows("attempt", _payments, _payment, "closed_at", ("order__reference",))
_RECEIPTS = _Rows("receipt", _receipts, _receipt, "received_at", ("reference", "collection__reference"))
_REVERSALS = _Returns(
    "reversal", _reversals, _reversal, "returned_at", ("reference", "attempt__order__reference")
)
_MOVEMENTS = _DayRows("movement", _movements, _movement, "happened_on", ("reference",))

EXPECTATIONS = [
    _PAYMENTS.expected_in(_rails),
    _RECEIPTS.expected_in(_collectors),
    _REVERSALS.expected_in(lambda: _with_bank(_rails())),
    _MOVEMENTS.expected_in(lambda: _with_bank({*_rails(), *_collectors()})),
]
