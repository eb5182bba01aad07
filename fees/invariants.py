"""What must always hold of fees.

Fees are recomputed in fractions from stored rows, independently of `calculations.fee_split`.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from math import floor
from typing import Any

from django.db.models import F, Q, QuerySet

from fees import queries
from fees.calculations import BPS, PPM
from fees.defaults import DEFAULT_TERMS
from fees.models import FeeAssessment, FeeRecord, FeeSchedule
from fees.services import COPIED, FEE_SCHEDULE
from fees.types import FeeSplit
from sunusav.core.auditing import AuditScope, Breach, Invariant, pages, rows_since
from sunusav.core.models import ProposalState

# Enough to understand a breach; a broken import must not fill the report.
SHOWN = 100
PARTS = F("platform_sats") + F("community_sats") + F("partner_sats")
A_PART_BELOW_ZERO = Q(platform_sats__lt=0) | Q(community_sats__lt=0) | Q(partner_sats__lt=0)
A_PART_ABOVE_ZERO = Q(platform_sats__gt=0) | Q(community_sats__gt=0) | Q(partner_sats__gt=0)
AMOUNTS = ("payout_sats", "fee_sats", "platform_sats", "community_sats", "partner_sats", "net_sats")


def _shares(scope: AuditScope) -> Iterator[Breach]:
    sums = ~Q(fee_sats=PARTS)
    yield from _breaches("I03", "fee_assessment", _assessments(scope).filter(sums | A_PART_BELOW_ZERO))
    records = _records(scope)
    wrong_sign = Q(is_reversal=False) & A_PART_BELOW_ZERO | Q(is_reversal=True) & A_PART_ABOVE_ZERO
    yield from _breaches("I03", "fee_record", records.filter(sums | wrong_sign))


def _gross(scope: AuditScope) -> Iterator[Breach]:
    sums = ~Q(payout_sats=F("net_sats") + F("fee_sats"))
    yield from _breaches("I04", "fee_assessment", _assessments(scope).filter(sums | Q(net_sats__lte=0)))
    wrong_sign = Q(is_reversal=False, net_sats__lte=0) | Q(is_reversal=True, net_sats__gte=0)
    yield from _breaches("I04", "fee_record", _records(scope).filter(sums | wrong_sign))


def _breaches(code: str, noun: str, rows: QuerySet[Any]) -> Iterator[Breach]:
    for row in rows.order_by("pk")[:SHOWN]:
        yield Breach(code, f"{noun}:{row.pk}", f"payout {row.payout_sats}, {queries.split_of_row(row)}")


def _records_agree(scope: AuditScope) -> Iterator[Breach]:
    """Compare each record with its fixed fee, and each reversal with the record it reverses."""
    for row in _each(_records(scope).select_related("assessment", "reverses")):
        origin, sign = (row.reverses, -1) if row.is_reversal else (row.assessment, 1)
        differing = _differing(row, origin, sign)
        if differing:
            yield Breach("I03b", f"fee_record:{row.pk}", f"differs from its origin in {', '.join(differing)}")


def _differing(row: FeeRecord, origin: FeeAssessment | FeeRecord | None, sign: int) -> list[str]:
    if origin is None:
        return ["everything"]
    copies = [name for name in COPIED if getattr(row, name) != getattr(origin, name)]
    amounts = [name for name in AMOUNTS if getattr(row, name) != sign * getattr(origin, name)]
    return copies + amounts


def _recomputed(scope: AuditScope) -> Iterator[Breach]:
    # Every version at once: two people publish each by hand, so there are few.
    schedules = {row.pk: row for row in FeeSchedule.objects.prefetch_related("brackets")}
    for row in _each(_assessments(scope)):
        schedule = schedules[row.schedule_id]
        due = recompute(row, schedule)
        if due != queries.split_of_row(row):
            yield Breach("I03c", f"fee_assessment:{row.pk}", f"its terms give {due}")
        if row.base_rate_ppm != _bracket_rate(schedule, row.payout_sats):
            yield Breach(
                "I03c", f"fee_assessment:{row.pk}", f"{row.base_rate_ppm} ppm is not its bracket's rate"
            )
        if row.fixed_at < schedule.effective_at:
            yield Breach("I03c", f"fee_assessment:{row.pk}", f"fixed before {schedule} took effect")


def recompute(row: FeeAssessment, schedule: FeeSchedule) -> FeeSplit:
    """Compute a stored fee again, in fractions."""
    rate = Fraction(row.base_rate_ppm, PPM) * _remaining(row.verified_bps) * _remaining(row.recurring_bps)
    limits = [row.payout_sats, *([] if schedule.maximum_fee_sats is None else [schedule.maximum_fee_sats])]
    fee = min(max(floor(row.payout_sats * rate), schedule.minimum_fee_sats), *limits)
    platform = floor(fee * Fraction(schedule.platform_share_bps, BPS))
    community = floor(fee * Fraction(schedule.community_share_bps, BPS))
    return FeeSplit(fee, platform, community, fee - platform - community, row.payout_sats - fee)


def _remaining(discount_bps: int) -> Fraction:
    return 1 - Fraction(discount_bps, BPS)


def _bracket_rate(schedule: FeeSchedule, payout_sats: int) -> int:
    below = [(b.from_sats, b.base_rate_ppm) for b in schedule.brackets.all() if b.from_sats <= payout_sats]
    return max(below, default=(0, -1))[1]


def _versions(scope: AuditScope) -> Iterator[Breach]:
    rows = FeeSchedule.objects.select_related("proposal").prefetch_related("brackets").order_by("version")
    for number, row in enumerate(rows, start=1):
        for detail in _wrong_with(row, number):
            yield Breach("I16b", f"fee_schedule_version:{row.version}", detail)


def _wrong_with(row: FeeSchedule, number: int) -> Iterator[str]:
    brackets = sorted(row.brackets.all(), key=lambda bracket: bracket.position)
    starts = [bracket.from_sats for bracket in brackets]
    if row.version != number:
        yield f"version {number} is missing"
    if len(brackets) != row.bracket_count or starts[:1] != [0] or starts != sorted(set(starts)):
        yield f"brackets start at {starts}, {row.bracket_count} were published"
    yield from _wrong_with_default(row) if row.version == 1 else _wrong_with_publication(row)


def _wrong_with_default(row: FeeSchedule) -> Iterator[str]:
    if queries.terms_of_row(row, schedule_id=DEFAULT_TERMS.schedule_id) != DEFAULT_TERMS:
        yield "version 1 is not the default"


def _wrong_with_publication(row: FeeSchedule) -> Iterator[str]:
    proposal = row.proposal
    if proposal is None or (proposal.kind, proposal.state) != (FEE_SCHEDULE, ProposalState.APPROVED):
        yield "published without an approved proposal"
        return
    if proposal.proposer_id != row.proposer_id or row.publisher_id == row.proposer_id:
        yield "the publisher is the proposer, or the proposer copy is untrue"
    if not proposal.approvals.filter(approver_id=row.publisher_id, is_approved=True).exists():
        yield "the publisher did not approve it"
    if {**proposal.facts, "note": ""} != {**queries.rule_facts(row), "note": ""}:
        yield "its rules are not the approved ones"
    if row.effective_at < row.published_at + queries.PUBLICATION_LEAD:
        yield "effective too soon after its publication"


def _each(rows: QuerySet[Any]) -> Iterator[Any]:
    return chain.from_iterable(pages(rows))


def _assessments(scope: AuditScope) -> QuerySet[FeeAssessment]:
    return rows_since(FeeAssessment.objects.all(), "fixed_at", scope.since)


def _records(scope: AuditScope) -> QuerySet[FeeRecord]:
    rows = FeeRecord.objects.all()
    return rows if scope.since is None else rows.filter(completed_at__gte=scope.since)


INVARIANTS = [
    Invariant("I03", "fee shares sum to the fee, none negative", _shares),
    Invariant("I03b", "a fee record equals its fixed fee, a reversal mirrors its record", _records_agree),
    Invariant("I03c", "every fee follows from its terms", _recomputed),
    Invariant("I04", "gross is net plus fee, net is positive", _gross),
    Invariant("I16b", "every fee schedule is what two people published", _versions),
]
