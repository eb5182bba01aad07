"""Fees of disbursements: each paid one has its fee recorded once, and no fee is recorded without a payment."""

from collections.abc import Iterator

from fees.queries import recorded_fees, recorded_fees_since
from fees.types import RecordedFee
from sunusav.core.auditing import AuditScope, Breach
from transfers.enums import PAID_STATES
from transfers.invariants.scope import disbursement_pages
from transfers.models import Disbursement
from transfers.queries import subject_of


def every_fee_is_recorded(scope: AuditScope) -> Iterator[Breach]:
    priced = Disbursement.objects.filter(state__in=PAID_STATES, assessment__isnull=False)
    for paid in disbursement_pages(scope, priced):
        recorded = recorded_fees([subject_of(row.pk) for row in paid])
        for row in paid:
            found = [fee.assessment_id for fee in recorded.get(subject_of(row.pk), [])]
            if found != [row.assessment_id]:
                detail = f"{row.state} at fee {row.assessment_id}, but recorded are {found}"
                yield Breach("I03d", subject_of(row.pk), detail)


def every_recorded_fee_was_earned(scope: AuditScope) -> Iterator[Breach]:
    for fees in recorded_fees_since(scope.since):
        ids = [number for fee in fees if (number := _disbursement_of(fee))]
        paid = Disbursement.objects.filter(pk__in=ids, state__in=PAID_STATES)
        priced_at = dict(paid.values_list("pk", "assessment_id"))
        for fee in fees:
            if priced_at.get(_disbursement_of(fee) or 0, "none") != fee.assessment_id:
                detail = f"no paid {fee.disbursement_ref} at fee {fee.assessment_id}"
                yield Breach("I03d", f"fee_record:{fee.record_id}", detail)


def _disbursement_of(fee: RecordedFee) -> int | None:
    noun, _, number = fee.disbursement_ref.partition(":")
    return int(number) if noun == "disbursement" and number.isdecimal() else None
