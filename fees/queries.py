"""Reads of fees: quoted, fixed and recorded. Schedules are cached in the process, so a quote needs no query."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from time import monotonic
from typing import Any, Final

from fees.calculations import (
    claimed_discounts,
    fee_fraction,
    fee_split,
    overridden_terms,
    plain,
    project_annual_revenue,
    terms_for,
)
from fees.enums import HOLDER_PREFIXES, DiscountKind
from fees.errors import FeeAssessmentMissing, FeeScheduleMissing
from fees.models import (
    DiscountGrant,
    FeeAssessment,
    FeeBracket,
    FeeBracketDraft,
    FeeRecord,
    FeeSchedule,
    FeeScheduleDraft,
)
from fees.models.schedule import ScheduleRules
from fees.types import (
    Bracket,
    Discounts,
    FeeSplit,
    FixedFee,
    PricedFor,
    Projection,
    Quote,
    RecordedFee,
    ScheduleTerms,
    Tier,
)
from sunusav.core.auditing import pages

# A version takes effect at least 60 s after its publication, and a process caches versions for 30 s. So each process
# has read a version before it takes effect, with 30 s left for a slow commit and for clocks that differ.
PUBLICATION_LEAD: Final = timedelta(seconds=60)
CACHE_LIFETIME_SECONDS: Final = 30.0
# The digits of a stored rate after the point.
RATE_PLACES: Final = 8


class ScheduleCache:
    """All published versions, latest in effect first, read again after the lifetime."""

    def __init__(self, seconds: Callable[[], float] = monotonic) -> None:
        self._seconds = seconds
        self.forget()

    def forget(self) -> None:
        self._versions: tuple[ScheduleTerms, ...] = ()
        self._read_again_at = 0.0

    def at(self, at: datetime) -> ScheduleTerms:
        """Return the version in effect at that moment. Raises: FeeScheduleMissing."""
        if self._seconds() >= self._read_again_at:
            self._read()
        for version in self._versions:
            if version.effective_at <= at:
                return version
        self.forget()
        raise FeeScheduleMissing(at=at)

    def _read(self) -> None:
        started = self._seconds()
        self._versions = tuple(published_versions())
        self._read_again_at = started + CACHE_LIFETIME_SECONDS


_cache = ScheduleCache()
forget_schedules = _cache.forget


def schedule_at(at: datetime) -> ScheduleTerms:
    """Return the fee schedule in effect at that moment. Raises: FeeScheduleMissing."""
    return _cache.at(at)


def published_versions() -> list[ScheduleTerms]:
    """Return every published version, latest in effect first; of two with the same date the newer first."""
    rows = FeeSchedule.objects.prefetch_related("brackets").order_by("-effective_at", "-version")
    return [terms_of_row(row, schedule_id=row.pk) for row in rows]


def rules_of(schedule: ScheduleRules) -> dict[str, Any]:
    """Return the rules that a draft and its published version share, besides the brackets."""
    return {field.name: getattr(schedule, field.name) for field in ScheduleRules._meta.local_fields}


def terms_of_row(row: FeeSchedule, *, schedule_id: int) -> ScheduleTerms:
    """Return a published version as a frozen value."""
    return ScheduleTerms(
        schedule_id=schedule_id,
        version=row.version,
        brackets=brackets_of(row.brackets.all()),
        **rules_of(row),
    )


def terms_of_draft(row: FeeScheduleDraft) -> ScheduleTerms:
    """Return a draft as a frozen value of version 0."""
    return ScheduleTerms(schedule_id=0, version=0, brackets=brackets_of(row.brackets.all()), **rules_of(row))


def quote(
    payout_sats: int,
    *,
    group_verified: bool,
    user_recurring: bool,
    at: datetime,
    override_ppm: int | None = None,
) -> Quote:
    """Compute what a payout would cost, discounts as claimed. Raises: FeeOverrideAboveCap."""
    schedule = schedule_at(at)
    claimed = claimed_discounts(schedule, group_verified=group_verified, user_recurring=user_recurring)
    if override_ppm is None:
        terms = terms_for(schedule, payout_sats=payout_sats, discounts=claimed)
    else:
        terms = overridden_terms(schedule, override_ppm=override_ppm, discounts=claimed)
    return Quote(fee_split(payout_sats, terms), fee_fraction(terms), schedule.version)


def brackets_of(rows: Iterable[FeeBracket | FeeBracketDraft]) -> tuple[Bracket, ...]:
    """Return bracket rows as frozen values, from the lowest start."""
    return tuple(
        sorted((Bracket(row.from_sats, row.base_rate_ppm) for row in rows), key=attrgetter("from_sats"))
    )


def rule_facts(row: FeeSchedule | FeeScheduleDraft) -> dict[str, Any]:
    """Return every rule of a draft or version, as JSON, for the digest of an approval."""
    brackets = [[b.from_sats, b.base_rate_ppm] for b in brackets_of(row.brackets.all())]
    return {
        **rules_of(row),
        "effective_at": row.effective_at.astimezone(UTC).isoformat(),
        "brackets": brackets,
    }


def tiers(at: datetime) -> dict[str, Tier]:
    """Return what each kind of customer pays in the lowest bracket, and a sentence with all brackets."""
    schedule = schedule_at(at)
    return {
        name: _tier(
            schedule, claimed_discounts(schedule, group_verified=verified, user_recurring=recurring), who
        )
        for name, verified, recurring, who in TIERS
    }


TIERS: Final = (
    ("standard", False, False, "Everybody"),
    ("verified_group", True, False, "Members of a verified group"),
    ("recurring_user", False, True, "Winners with a paid subscription"),
    ("verified_recurring", True, True, "Winners with a paid subscription in a verified group"),
)


def _tier(schedule: ScheduleTerms, discounts: Discounts, who: str) -> Tier:
    fractions = [
        (b.from_sats, fee_fraction(terms_for(schedule, payout_sats=b.from_sats, discounts=discounts)))
        for b in schedule.brackets
    ]
    rates = ", ".join(
        f"{plain(fraction * 100)} %" + (f" from {start} sats" if start else "")
        for start, fraction in fractions
    )
    return Tier(fractions[0][1], f"{who}: {rates} of the payout{_limits_text(schedule)}.")


def _limits_text(schedule: ScheduleTerms) -> str:
    most = schedule.maximum_fee_sats
    text = f", at least {schedule.minimum_fee_sats} sat" + ("s" if schedule.minimum_fee_sats != 1 else "")
    return text if most is None else f"{text}, at most {most} sats"


def projection(at: datetime, **assumptions: Any) -> Projection:
    """Project a year's revenue under the schedule in effect; see `calculations.project_annual_revenue`."""
    return project_annual_revenue(schedule_at(at), **assumptions)


def active_discounts(group_ref: str, winner_ref: str, at: datetime) -> Discounts:
    """Return the discounts that our records give for a payout to this winner of this group.

    Of several subscription discounts the largest applies. A grant without its own figure uses the schedule's.
    """
    schedule = schedule_at(at)
    holders = [
        holder_of(DiscountKind.VERIFIED_GROUP, group_ref),
        holder_of(DiscountKind.SUBSCRIPTION, winner_ref),
    ]
    rows = DiscountGrant.objects.active_at(at).filter(holder__in=holders)
    found = list(rows.values_list("kind", "discount_bps", "pk"))
    verified_bps, verified_id = _best(found, DiscountKind.VERIFIED_GROUP, schedule.verified_discount_bps)
    recurring_bps, recurring_id = _best(found, DiscountKind.SUBSCRIPTION, schedule.recurring_discount_bps)
    return Discounts(verified_bps, recurring_bps, verified_id, recurring_id)


def _best(
    found: list[tuple[str, int | None, int]], kind: DiscountKind, default_bps: int
) -> tuple[int, int | None]:
    candidates = [
        (default_bps if bps is None else bps, pk) for found_kind, bps, pk in found if found_kind == kind
    ]
    return max(candidates, default=(0, None))


def holder_of(kind: DiscountKind, ref: str) -> str:
    """Return the holder of a discount of this kind: `group:<id>` or `user:<id>`."""
    return f"{HOLDER_PREFIXES[kind]}{ref}"


def verified_groups(group_refs: Iterable[str], at: datetime) -> set[str]:
    """Return those groups that were verified at that moment, in one query."""
    group_of = {holder_of(DiscountKind.VERIFIED_GROUP, ref): ref for ref in group_refs}
    grants = DiscountGrant.objects.active_at(at).filter(holder__in=group_of, kind=DiscountKind.VERIFIED_GROUP)
    return {group_of[holder] for holder in grants.values_list("holder", flat=True)}


def expected_fee(payout_sats: int, priced_for: PricedFor, at: datetime) -> FeeSplit:
    """Compute the fee as it would be fixed at that moment from our records; nothing is stored."""
    discounts = active_discounts(priced_for.group_ref, priced_for.winner_ref, at)
    return fee_split(payout_sats, terms_for(schedule_at(at), payout_sats=payout_sats, discounts=discounts))


def fixed_fee(assessment_id: int) -> FixedFee:
    """Return a fixed fee. Raises: FeeAssessmentMissing."""
    row = FeeAssessment.objects.select_related("schedule").filter(pk=assessment_id).first()
    if row is None:
        raise FeeAssessmentMissing(assessment_id=str(assessment_id))
    return fixed_fee_of_row(row, schedule_version=row.schedule.version)


def fixed_fees(assessment_ids: Collection[int]) -> dict[int, FixedFee]:
    """Return fixed fees by assessment, in one query; missing ones are left out."""
    rows = FeeAssessment.objects.select_related("schedule").filter(pk__in=assessment_ids)
    return {row.pk: fixed_fee_of_row(row, schedule_version=row.schedule.version) for row in rows}


def recorded_fees(disbursement_refs: Collection[str]) -> dict[str, list[RecordedFee]]:
    """Return the fees recorded for these disbursements, reversed or not, in one query."""
    found: dict[str, list[RecordedFee]] = {}
    for row in FeeRecord.objects.filter(disbursement_ref__in=disbursement_refs, is_reversal=False):
        found.setdefault(row.disbursement_ref, []).append(_recorded(row))
    return found


def recorded_fees_since(moment: datetime | None) -> Iterator[list[RecordedFee]]:
    """Yield every recorded fee, or those since a moment, a page at a time."""
    rows = FeeRecord.objects.filter(is_reversal=False)
    for page in pages(rows if moment is None else rows.filter(completed_at__gte=moment)):
        yield [_recorded(row) for row in page]


def _recorded(row: FeeRecord) -> RecordedFee:
    return RecordedFee(row.pk, row.assessment_id, row.disbursement_ref)


def fixed_fee_of_row(row: FeeAssessment, *, schedule_version: int) -> FixedFee:
    """Return a stored assessment as a frozen value."""
    return FixedFee(
        assessment_id=row.pk,
        subject=row.subject,
        payout_sats=row.payout_sats,
        split=split_of_row(row),
        discounts=Discounts(
            row.verified_bps, row.recurring_bps, row.verified_grant_id, row.recurring_grant_id
        ),
        schedule_id=row.schedule_id,
        schedule_version=schedule_version,
        priced_for=PricedFor(row.group_ref, row.winner_ref, row.settlement_partner),
        rate_id=row.rate_id,
        rate_xof_per_btc=row.rate_xof_per_btc,
        is_fallback_rate=row.is_fallback_rate,
        fixed_at=row.fixed_at,
    )


def split_of_row(row: FeeAssessment | FeeRecord) -> FeeSplit:
    """Return the amounts of a stored fee."""
    return FeeSplit(row.fee_sats, row.platform_sats, row.community_sats, row.partner_sats, row.net_sats)
