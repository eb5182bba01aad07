"""Rows that break the constraints of fee schedules, discounts, assessments and records."""

from datetime import timedelta
from typing import Any

from fees.enums import DiscountKind
from fees.models import (
    DiscountGrant,
    FeeAssessment,
    FeeBracket,
    FeeBracketDraft,
    FeeRecord,
    FeeSchedule,
    FeeScheduleDraft,
)
from sunusav.core.roles import Role
from tests.fees.builders import (
    LATER,
    NOW,
    draft,
    fixed,
    granted,
    person,
    proposed,
    recorded,
    stored_rate,
)
from tests.support.constraints import Violation, copy_of

SPLIT = ("fee_sats", "platform_sats", "community_sats", "partner_sats", "net_sats")


def amounts(*values: int) -> dict[str, int]:
    return dict(zip(SPLIT, values, strict=True))


def assessment() -> FeeAssessment:
    stored_rate()
    return FeeAssessment.objects.get(pk=fixed().assessment_id)


def record() -> FeeRecord:
    stored_rate()
    return FeeRecord.objects.get(pk=recorded(fixed()))


def reversal() -> FeeRecord:
    row = record()
    values = {name: -getattr(row, name) for name in ("payout_sats", *SPLIT)}
    reversed_by = copy_of(row, assessment_id=None, reverses_id=row.pk, is_reversal=True, **values)
    reversed_by.save(force_insert=True)
    return FeeRecord.objects.get(is_reversal=True)


def draft_row() -> FeeScheduleDraft:
    return draft(person("awa", Role.FINANCE))


def draft_bracket() -> FeeBracketDraft:
    return FeeBracketDraft.objects.get(draft=draft_row())


def second_version() -> FeeSchedule:
    """Return a version that two people published, with places for three brackets."""
    row = draft_row()
    proposal = proposed(row, row.author)
    version: FeeSchedule = copy_of(
        FeeSchedule.objects.get(version=1), version=2, draft_id=row.pk, proposal_id=proposal.pk, bracket_count=3,
        published_at=NOW, effective_at=LATER, proposer_id=row.author_id,
        publisher_id=person("binta", Role.APPROVER).pk,
    )  # fmt: skip
    version.save()
    return version


def bracket() -> FeeBracket:
    return FeeBracket.objects.create(
        schedule=second_version(), position=1, from_sats=400, base_rate_ppm=8_000
    )


def grant() -> DiscountGrant:
    return DiscountGrant.objects.get(pk=granted("user:u-1", DiscountKind.SUBSCRIPTION))


def another_proposal() -> dict[str, Any]:
    """Return a draft and a proposal that no version has yet."""
    row = draft(person("codou", Role.FINANCE))
    return {"version": 3, "draft_id": row.pk, "proposal_id": proposed(row, row.author).pk}


def another_assessment(_: FeeRecord) -> dict[str, Any]:
    return {"assessment_id": fixed().assessment_id}


RULES: list[tuple[str, dict[str, int]]] = [
    ("minimum_not_negative", {"minimum_fee_sats": -1}),
    ("maximum_not_below_minimum", {"minimum_fee_sats": 10, "maximum_fee_sats": 9}),
    ("discounts_within_whole", {"verified_discount_bps": 10_001}),
    ("discounts_within_whole", {"recurring_discount_bps": 10_001}),
    ("shares_within_whole", {"platform_share_bps": 8_001}),
    ("shares_within_whole", {"community_share_bps": 20_000}),
    ("override_cap_within_whole", {"override_cap_ppm": 1_000_001}),
]

VIOLATIONS = [
    *(Violation(f"feescheduledraft_{rule}", draft_row, changes) for rule, changes in RULES),
    *(Violation(f"feeschedule_{rule}", second_version, changes) for rule, changes in RULES),
    Violation("feescheduledraft_state_is_known", draft_row, {"state": "half"}),
    *(
        Violation("feeschedule_published_by_a_second_person", second_version, {missing: None})
        for missing in ("publisher_id", "proposer_id", "draft_id", "proposal_id")
    ),
    Violation(
        "feeschedule_published_by_a_second_person",
        second_version,
        lambda row: {"publisher_id": row.proposer_id},
    ),
    Violation(
        "feeschedule_effective_after_publication",
        second_version,
        {"effective_at": NOW - timedelta(microseconds=1)},
    ),
    Violation("feeschedule_has_a_bracket", second_version, {"bracket_count": 0}),
    Violation("fees_feeschedule.version", second_version, lambda _: {**another_proposal(), "version": 2}),
    Violation(
        "fees_feeschedule.draft_id",
        second_version,
        lambda row: {**another_proposal(), "draft_id": row.draft_id},
    ),
    Violation(
        "fees_feeschedule.proposal_id",
        second_version,
        lambda row: {**another_proposal(), "proposal_id": row.proposal_id},
    ),
    Violation("feebracket_first_starts_at_zero", bracket, {"position": 0, "from_sats": 1}),
    Violation("feebracket_first_starts_at_zero", bracket, {"position": 1, "from_sats": -1}),
    Violation("feebracket_rate_within_whole", bracket, {"position": 2, "base_rate_ppm": 1_000_001}),
    Violation("feebracket_position_once", bracket, {"from_sats": 500}),
    Violation("feebracket_start_once", bracket, {"position": 2}),
    Violation("feebracketdraft_start_not_negative", draft_bracket, {"from_sats": -1}),
    Violation("feebracketdraft_rate_within_whole", draft_bracket, {"base_rate_ppm": 1_000_001}),
    Violation("feebracketdraft_start_once", draft_bracket, {}),
    Violation("discountgrant_within_whole", grant, {"discount_bps": 10_001}),
    Violation("discountgrant_ends_after_start", grant, {"ends_at": NOW}),
    Violation("discountgrant_kind_is_known", grant, {"kind": "friend"}),
    Violation("discountgrant_one_open_per_holder_and_kind", grant, {}),
    Violation("feeassessment_parts_sum_to_fee", assessment, {"partner_sats": 301}),
    Violation("feeassessment_gross_is_net_plus_fee", assessment, {"payout_sats": 100_001}),
    Violation("feeassessment_net_is_positive", assessment, {"payout_sats": 1_000, "net_sats": 0}),
    Violation("feeassessment_parts_not_negative", assessment, {"platform_sats": -200, "community_sats": 900}),
    Violation("feeassessment_discount_has_its_grant", assessment, {"verified_bps": 5_000}),
    Violation("feeassessment_discount_has_its_grant", assessment, {"recurring_bps": 1}),
    Violation("feerecord_parts_sum_to_fee", record, {"partner_sats": 301}),
    Violation("feerecord_gross_is_net_plus_fee", record, {"payout_sats": 100_001}),
    Violation("feerecord_is_original_or_reversal", record, {"assessment_id": None}),
    Violation("feerecord_is_original_or_reversal", record, {"is_reversal": True}),
    Violation("feerecord_signs_agree", record, {"payout_sats": 1_000, "net_sats": 0}),
    Violation(
        "feerecord_signs_agree",
        record,
        {"payout_sats": -100_000, **amounts(-1_000, -500, -200, -300, -99_000)},
    ),
    Violation("feerecord_signs_agree", record, {"platform_sats": -200, "community_sats": 900}),
    Violation(
        "feerecord_signs_agree", reversal, {"payout_sats": 100_000, **amounts(1_000, 500, 200, 300, 99_000)}
    ),
    Violation("feerecord_once_per_disbursement", record, another_assessment),
    Violation("fees_feerecord.assessment_id", record, {"disbursement_ref": "disbursement:2"}),
    Violation("fees_feerecord.reverses_id", reversal, {"disbursement_ref": "disbursement:2"}),
]
