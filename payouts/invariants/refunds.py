"""Refunds: each is one payment without a fee, out of the credit of its member."""

from collections.abc import Iterator

from ledger.types import AccountRef
from payouts.calculations import refund_subject
from payouts.models import Refund
from sunusav.core.auditing import AuditScope, Breach, pages, rows_since
from sunusav.core.money import msat_from_sats
from transfers.queries import payments_of
from transfers.types import credit_of


def refunds_are_payments(scope: AuditScope) -> Iterator[Breach]:
    for page in pages(rows_since(Refund.objects.all(), "requested_at", scope.since)):
        payments = payments_of(refund_subject(row.pk) for row in page)
        for row in page:
            made = payments.get(refund_subject(row.pk), [])
            if made != [_expected(row)]:
                yield Breach("I08", refund_subject(row.pk), f"paid by {made}, expected {_expected(row)}")


def _expected(row: Refund) -> tuple[int, AccountRef, bool]:
    return msat_from_sats(row.amount_sats), credit_of(row.user_id), False
