"""What settlements expect in statements of the bank: the lines by which it paid them."""

from collections.abc import Collection, Iterator
from datetime import date
from decimal import Decimal
from typing import Final

from django.db.models import QuerySet

from partners.models import SettlementBankPayment
from partners.settlements.queries import subject_of
from transfers.types import BANK_SOURCE, ExpectationSource, ExpectedLine

PREFIX: Final = "settlement_payment"


def _lines(rows: QuerySet[SettlementBankPayment]) -> Iterator[ExpectedLine]:
    for row in rows.select_related("settlement"):
        yield ExpectedLine(
            f"{PREFIX}:{row.pk}", (row.reference,), -Decimal(row.settlement.due_xof), row.paid_on,
            subject_of(row.settlement_id),
        )  # fmt: skip


def _within(source: str, since: date, through: date) -> Iterator[ExpectedLine]:
    # Twelve a year per partner at most: no index is needed.
    return _lines(SettlementBankPayment.objects.filter(paid_on__gte=since, paid_on__lte=through))


def _by_references(source: str, references: Collection[str]) -> Iterator[ExpectedLine]:
    return _lines(SettlementBankPayment.objects.filter(reference__in=list(references)))


def _by_keys(source: str, keys: Collection[str]) -> Iterator[ExpectedLine]:
    own = [key.removeprefix(f"{PREFIX}:") for key in keys if key.startswith(f"{PREFIX}:")]
    return _lines(SettlementBankPayment.objects.filter(pk__in=[int(key) for key in own if key.isdecimal()]))


EXPECTATIONS = [ExpectationSource(PREFIX, lambda: [BANK_SOURCE], _within, _by_references, _by_keys)]
