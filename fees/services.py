"""Write schedules, discounts and fees. A fee is fixed, then recorded, and may be reversed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from fees import queries, sql
from fees.calculations import BPS, base_rate_ppm, fee_split, terms_for
from fees.enums import DRAFT_TRANSITIONS, HOLDER_PREFIXES, DiscountKind, DraftState
from fees.errors import (
    DiscountAlreadyGranted,
    DiscountHolderInvalid,
    DiscountNotGranted,
    DiscountOutOfRange,
    DiscountPeriodEmpty,
    FeeAlreadyReversed,
    FeeAssessmentMissing,
    FeeRecordedForAnotherDisbursement,
    FeeRecordMissing,
    FeeReversalNotReversible,
    FeeScheduleDraftClosed,
    FeeScheduleDraftIncomplete,
    FeeScheduleDraftMissing,
    FeeScheduleEffectiveTooSoon,
    NetNotPositive,
)
from fees.models import DiscountGrant, FeeAssessment, FeeBracket, FeeRecord, FeeSchedule, FeeScheduleDraft
from fees.sql import Assessed
from fees.types import Bracket, Discounts, FeeSplit, FixedFee, PricedFor, ScheduleTerms
from ledger.queries import latest_rate_for_record
from sunusav.core import approvals, trail
from sunusav.core.actors import Actor
from sunusav.core.bulk import insert
from sunusav.core.locks import lock
from sunusav.core.models import Proposal, User
from sunusav.core.transitions import move

FEE_SCHEDULE = "fee_schedule"
# Publications follow each other, and so do reversals.
SCHEDULES_LOCK = "fee_schedules"
REVERSALS_LOCK = "fee_reversals"
# The columns that a record copies from the fixed fee, and a reversal from the record.
COPIED = (
    "subject",
    "schedule_id",
    "group_ref",
    "winner_ref",
    "settlement_partner",
    "rate_id",
    "rate_xof_per_btc",
    "is_fallback_rate",
)


# Schedules


def propose_schedule(*, draft_id: int, proposer: User, now: datetime, reason: str = "") -> Proposal:
    """Propose that a second person publishes a draft as it is; a later edit voids the proposal.

    Raises: FeeScheduleDraftMissing, FeeScheduleDraftClosed, FeeScheduleDraftIncomplete,
    FeeScheduleEffectiveTooSoon; and as `approvals.propose`.
    """
    _require_lead_time(_open_draft(draft_id), now)
    return approvals.propose(
        kind=FEE_SCHEDULE, subject_id=str(draft_id), proposer=proposer, now=now, reason=reason
    )


def describe_schedule(subject_id: str) -> dict[str, Any]:
    """Return the facts that the approver of a draft sees: all its rules.

    Raises: FeeScheduleDraftMissing, FeeScheduleDraftClosed, FeeScheduleDraftIncomplete.
    """
    draft = _open_draft(int(subject_id))
    if not draft.brackets.filter(from_sats=0).exists():
        raise FeeScheduleDraftIncomplete(draft_id=subject_id)
    return {**queries.rule_facts(draft), "note": draft.note}


def publish_schedule(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Copy a draft into a new immutable version; runs when a second person approves it.

    Raises: FeeScheduleDraftMissing, FeeScheduleDraftClosed, FeeScheduleDraftIncomplete,
    FeeScheduleEffectiveTooSoon, ProposalFactsChanged.
    """
    with transaction.atomic():
        draft = _locked_draft(int(proposal.subject_id))
        approvals.require_as_proposed(proposal, describe_schedule(proposal.subject_id))
        _require_lead_time(draft, now)
        brackets = queries.brackets_of(draft.brackets.all())
        schedule = FeeSchedule.objects.create(
            version=_next_version(), draft=draft, proposal=proposal, published_at=now,
            proposer_id=proposal.proposer_id, publisher_id=actor.user_id, bracket_count=len(brackets),
            **queries.rules_of(draft),
        )  # fmt: skip
        _insert_brackets(schedule, brackets)
        move(
            draft, DraftState.PUBLISHED, allowed=DRAFT_TRANSITIONS, subject=_subject(draft), action="publish",
            actor=actor, at=now, facts={"version": schedule.version},
        )  # fmt: skip
    transaction.on_commit(queries.forget_schedules)


def _insert_brackets(schedule: FeeSchedule, brackets: Sequence[Bracket]) -> None:
    FeeBracket.objects.bulk_create(
        [
            FeeBracket(schedule=schedule, position=n, from_sats=b.from_sats, base_rate_ppm=b.base_rate_ppm)
            for n, b in enumerate(brackets)
        ]
    )


def discard_draft(*, draft_id: int, actor: Actor, reason: str, now: datetime) -> None:
    """Discard a draft for good. Raises: FeeScheduleDraftMissing, FeeScheduleDraftClosed."""
    with transaction.atomic():
        draft = _locked_draft(draft_id)
        move(
            draft, DraftState.DISCARDED, allowed=DRAFT_TRANSITIONS, subject=_subject(draft), action="discard",
            actor=actor, at=now, reason=reason,
        )  # fmt: skip


def _next_version() -> int:
    lock(SCHEDULES_LOCK)
    return FeeSchedule.objects.order_by("-version").values_list("version", flat=True)[0] + 1


def _subject(draft: FeeScheduleDraft) -> str:
    return f"{FEE_SCHEDULE}:{draft.pk}"


def _locked_draft(draft_id: int) -> FeeScheduleDraft:
    return _open(FeeScheduleDraft.objects.select_for_update().filter(pk=draft_id).first(), draft_id)


def _open_draft(draft_id: int) -> FeeScheduleDraft:
    return _open(FeeScheduleDraft.objects.filter(pk=draft_id).first(), draft_id)


def _open(draft: FeeScheduleDraft | None, draft_id: int) -> FeeScheduleDraft:
    if draft is None:
        raise FeeScheduleDraftMissing(draft_id=str(draft_id))
    if draft.state != DraftState.DRAFT:
        raise FeeScheduleDraftClosed(draft_id=str(draft_id), draft_state=draft.state)
    return draft


def _require_lead_time(draft: FeeScheduleDraft, now: datetime) -> None:
    earliest = now + queries.PUBLICATION_LEAD
    if draft.effective_at < earliest:
        raise FeeScheduleEffectiveTooSoon(
            draft_id=str(draft.pk), effective_at=draft.effective_at, earliest_at=earliest
        )


# Discounts


def grant_discount(
    *,
    holder: str,
    kind: DiscountKind,
    discount_bps: int | None,
    starts_at: datetime,
    ends_at: datetime | None,
    granted_for: str,
    actor: Actor,
    now: datetime,
) -> int:
    """Grant a holder a discount of one kind and return its id. A grant that has ended may be followed by another.

    Units: basis points. None means: use the discount of the fee schedule in effect when the fee is fixed.
    Raises: DiscountHolderInvalid, DiscountOutOfRange, DiscountPeriodEmpty, DiscountAlreadyGranted.
    """
    _require_grantable(holder, kind, discount_bps, starts_at, ends_at)
    with transaction.atomic():
        _close_ended_grant(holder, kind, starts_at)
        grant = _insert_grant(
            holder=holder, kind=kind, discount_bps=discount_bps, starts_at=starts_at, ends_at=ends_at,
            granted_for=granted_for, granted_at=now,
        )  # fmt: skip
        trail.record(
            subject=f"discount:{holder}", action="grant", actor=actor, at=now,
            facts={"grant": grant.pk, "kind": str(kind), "discount_bps": discount_bps, "for": granted_for},
        )  # fmt: skip
    return int(grant.pk)


def revoke_discount(
    *, holder: str, kind: DiscountKind, actor: Actor, now: datetime, reason: str = ""
) -> None:
    """End a holder's discount of one kind now; fees fixed before keep it. Raises: DiscountNotGranted."""
    with transaction.atomic():
        grant = _locked_grant(holder, kind)
        if grant is None or (grant.ends_at is not None and grant.ends_at <= now):
            raise DiscountNotGranted(holder=holder, kind=str(kind))
        DiscountGrant.objects.filter(pk=grant.pk).update(closed_at=now)
        trail.record(
            subject=f"discount:{holder}", action="revoke", actor=actor, at=now, reason=reason,
            facts={"grant": grant.pk, "kind": str(kind)},
        )  # fmt: skip


def _require_grantable(
    holder: str, kind: DiscountKind, discount_bps: int | None, starts_at: datetime, ends_at: datetime | None
) -> None:
    prefix = HOLDER_PREFIXES[kind]
    ref = holder.removeprefix(prefix)
    # No identifier has outer blanks, and MySQL and MariaDB ignore trailing ones: "awa " would be "awa".
    if not holder.startswith(prefix) or not ref or ref != ref.strip():
        raise DiscountHolderInvalid(holder=holder, kind=str(kind))
    if discount_bps is not None and not 0 <= discount_bps <= BPS:
        raise DiscountOutOfRange(discount_bps=discount_bps)
    if ends_at is not None and ends_at <= starts_at:
        raise DiscountPeriodEmpty(starts_at=starts_at, ends_at=ends_at)


def _close_ended_grant(holder: str, kind: DiscountKind, starts_at: datetime) -> None:
    before = _locked_grant(holder, kind)
    if before is None:
        return
    if before.ends_at is None or before.ends_at > starts_at:
        raise DiscountAlreadyGranted(holder=holder, kind=str(kind), grant_id=str(before.pk))
    DiscountGrant.objects.filter(pk=before.pk).update(closed_at=before.ends_at)


def _locked_grant(holder: str, kind: DiscountKind) -> DiscountGrant | None:
    return DiscountGrant.objects.select_for_update().filter(open_holder=holder, kind=kind).first()


def _insert_grant(**fields: Any) -> DiscountGrant:
    try:
        with transaction.atomic():
            return DiscountGrant.objects.create(**fields)
    except IntegrityError:
        raise DiscountAlreadyGranted(holder=fields["holder"], kind=str(fields["kind"]), grant_id="") from None


# Fees


def fix_fee(*, subject: str, payout_sats: int, priced_for: PricedFor, now: datetime) -> FixedFee:
    """Fix the fee of a payout by the current schedule and discounts, and store it with its terms.

    Joins the caller's transaction. Raises: NetNotPositive, FeeScheduleMissing.
    """
    schedule = queries.schedule_at(now)
    discounts = queries.active_discounts(priced_for.group_ref, priced_for.winner_ref, now)
    split = fee_split(payout_sats, terms_for(schedule, payout_sats=payout_sats, discounts=discounts))
    if split.net_sats <= 0:
        raise NetNotPositive(payout_sats=payout_sats, fee_sats=split.fee_sats)
    rate = latest_rate_for_record(now)
    row = FeeAssessment.objects.create(
        subject=subject, payout_sats=payout_sats, schedule_id=schedule.schedule_id, fixed_at=now,
        rate_id=rate.id, rate_xof_per_btc=rate.rate_xof_per_btc, is_fallback_rate=rate.is_fallback,
        **_amounts(split), **_parties(priced_for), **_terms(schedule, payout_sats, discounts),
    )  # fmt: skip
    return queries.fixed_fee_of_row(row, schedule_version=schedule.version)


def record_fees(
    disbursement_ref_by_assessment: Mapping[int, str], *, completed_at: datetime
) -> dict[int, FixedFee]:
    """Record charged fees, each for its disbursement, and return the fixed fees by assessment.

    One query and one insert. A fee that was recorded for the same disbursement before stays as it is.
    Joins the caller's transaction. Raises: FeeAssessmentMissing, FeeRecordedForAnotherDisbursement.
    """
    found = _assessments(disbursement_ref_by_assessment)
    insert(
        [
            _record_of(fee.row, disbursement_ref_by_assessment[pk], completed_at)
            for pk, fee in found.items()
            if not _is_recorded(fee, disbursement_ref_by_assessment[pk])
        ]
    )
    return {
        pk: queries.fixed_fee_of_row(fee.row, schedule_version=fee.schedule_version)
        for pk, fee in found.items()
    }


def _assessments(ids: Collection[int]) -> dict[int, Assessed]:
    """Return fixed fees by id, in one statement. Raises: FeeAssessmentMissing."""
    found = {assessed.row.pk: assessed for assessed in sql.assessments(ids)}
    for missing in sorted(set(ids) - found.keys()):
        raise FeeAssessmentMissing(assessment_id=str(missing))
    return found


def _is_recorded(assessed: Assessed, disbursement_ref: str) -> bool:
    recorded_for = assessed.recorded_for
    if recorded_for is not None and recorded_for != disbursement_ref:
        raise FeeRecordedForAnotherDisbursement(
            assessment_id=str(assessed.row.pk), disbursement_ref=recorded_for
        )
    return recorded_for is not None


def _record_of(assessment: FeeAssessment, disbursement_ref: str, completed_at: datetime) -> FeeRecord:
    return FeeRecord(
        assessment=assessment, disbursement_ref=disbursement_ref, completed_at=completed_at,
        payout_sats=assessment.payout_sats, **_copies(assessment), **_amounts(queries.split_of_row(assessment)),
    )  # fmt: skip


def reverse_fee(*, record_id: int, actor: Actor, reason: str, now: datetime) -> int:
    """Append the reversal of a recorded fee, its amounts negated, and return the reversal's id.

    Raises: FeeRecordMissing, FeeReversalNotReversible, FeeAlreadyReversed.
    """
    with transaction.atomic():
        record = _reversible_record(record_id)
        amounts = {name: -value for name, value in _amounts(queries.split_of_row(record)).items()}
        row = FeeRecord.objects.create(
            reverses=record, is_reversal=True, disbursement_ref=record.disbursement_ref, completed_at=now,
            payout_sats=-record.payout_sats, **_copies(record), **amounts,
        )  # fmt: skip
        trail.record(
            subject=record.subject, action="reverse_fee", actor=actor, at=now, reason=reason,
            facts={"record": record_id, "reversal": row.pk, "fee_sats": record.fee_sats},
        )  # fmt: skip
    return int(row.pk)


def _reversible_record(record_id: int) -> FeeRecord:
    # The second reversal of a record waits for the first and sees it.
    lock(REVERSALS_LOCK)
    record = FeeRecord.objects.filter(pk=record_id).first()
    if record is None:
        raise FeeRecordMissing(record_id=str(record_id))
    if record.is_reversal:
        raise FeeReversalNotReversible(record_id=str(record_id))
    reversal = FeeRecord.objects.filter(reverses_id=record_id).values_list("pk", flat=True).first()
    if reversal is not None:
        raise FeeAlreadyReversed(record_id=str(record_id), reversal_id=str(reversal))
    return record


def _amounts(split: FeeSplit) -> dict[str, int]:
    return {
        "fee_sats": split.fee_sats, "platform_sats": split.platform_sats, "net_sats": split.net_sats,
        "community_sats": split.community_sats, "partner_sats": split.partner_sats,
    }  # fmt: skip


def _parties(priced_for: PricedFor) -> dict[str, str]:
    return {
        "group_ref": priced_for.group_ref,
        "winner_ref": priced_for.winner_ref,
        "settlement_partner": priced_for.settlement_partner,
    }


def _terms(schedule: ScheduleTerms, payout_sats: int, discounts: Discounts) -> dict[str, Any]:
    return {
        "base_rate_ppm": base_rate_ppm(schedule, payout_sats),
        "verified_bps": discounts.verified_bps,
        "recurring_bps": discounts.recurring_bps,
        "verified_grant_id": discounts.verified_grant_id,
        "recurring_grant_id": discounts.recurring_grant_id,
    }


def _copies(row: FeeAssessment | FeeRecord) -> dict[str, Any]:
    return {name: getattr(row, name) for name in COPIED}
