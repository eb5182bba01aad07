"""The database refuses a row that violates a constraint of this app, and names the constraint."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection

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
from tests.fees.builders import (
    LATER,
    NOW,
    copied,
    draft,
    fixed,
    granted,
    proposed,
    recorded,
    violates,
    violates_unique,
)

pytestmark = pytest.mark.django_db


SPLIT = ("fee_sats", "platform_sats", "community_sats", "partner_sats", "net_sats")


def amounts(*values: int) -> dict[str, int]:
    return dict(zip(SPLIT, values, strict=True))


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("feeassessment_parts_sum_to_fee", {"partner_sats": 301}),
        ("feeassessment_gross_is_net_plus_fee", {"payout_sats": 100_001}),
        ("feeassessment_net_is_positive", {"payout_sats": 1_000, "net_sats": 0}),
        ("feeassessment_parts_not_negative", {"platform_sats": -200, "community_sats": 900}),
        ("feeassessment_discount_has_its_grant", {"verified_bps": 5_000}),
        ("feeassessment_discount_has_its_grant", {"recurring_bps": 1}),
    ],
)
def test_store_a_wrong_assessment_is_refused(rate, constraint, changes):
    good = FeeAssessment.objects.get(pk=fixed().assessment_id)

    with violates(constraint):
        copied(good, **changes).save()


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("feerecord_parts_sum_to_fee", {"partner_sats": 301}),
        ("feerecord_gross_is_net_plus_fee", {"payout_sats": 100_001}),
        ("feerecord_is_original_or_reversal", {"assessment_id": None}),
        ("feerecord_is_original_or_reversal", {"is_reversal": True}),
        ("feerecord_signs_agree", {"payout_sats": 1_000, "net_sats": 0}),
        ("feerecord_signs_agree", {"payout_sats": -100_000, **amounts(-1_000, -500, -200, -300, -99_000)}),
        ("feerecord_signs_agree", {"platform_sats": -200, "community_sats": 900}),
    ],
)
def test_store_a_wrong_record_is_refused(rate, constraint, changes):
    good = FeeRecord.objects.get(pk=recorded(fixed()))
    fresh = {"disbursement_ref": "disbursement:2", "assessment_id": fixed().assessment_id}

    with violates(constraint):
        copied(good, **{**fresh, **changes}).save()


def test_store_a_reversal_with_positive_amounts_is_refused(rate):
    good = FeeRecord.objects.get(pk=recorded(fixed()))

    with violates("feerecord_signs_agree"):
        copied(good, assessment_id=None, reverses_id=good.pk, is_reversal=True).save()


def test_store_a_second_record_of_a_disbursement_is_refused(rate):
    good = FeeRecord.objects.get(pk=recorded(fixed()))

    with violates_unique(
        "feerecord_once_per_disbursement",
        "fees_feerecord.disbursement_ref, fees_feerecord.is_reversal",
    ):
        copied(good, assessment_id=fixed().assessment_id).save()


def test_store_a_second_record_of_an_assessment_is_refused(rate):
    good = FeeRecord.objects.get(pk=recorded(fixed()))

    with violates_unique("assessment_id", "fees_feerecord.assessment_id"):
        copied(good, disbursement_ref="disbursement:2").save()


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("minimum_not_negative", {"minimum_fee_sats": -1}),
        ("maximum_not_below_minimum", {"minimum_fee_sats": 10, "maximum_fee_sats": 9}),
        ("discounts_within_whole", {"verified_discount_bps": 10_001}),
        ("discounts_within_whole", {"recurring_discount_bps": 10_001}),
        ("shares_within_whole", {"platform_share_bps": 8_001}),
        ("shares_within_whole", {"community_share_bps": 20_000}),
        ("override_cap_within_whole", {"override_cap_ppm": 1_000_001}),
    ],
)
def test_store_wrong_rules_is_refused_in_draft_and_version(finance, approver, rule, changes):
    # feeschedule_minimum_not_negative, feeschedule_maximum_not_below_minimum,
    # feeschedule_discounts_within_whole, feeschedule_shares_within_whole,
    # feeschedule_override_cap_within_whole; and for the draft
    # feescheduledraft_minimum_not_negative, feescheduledraft_maximum_not_below_minimum,
    # feescheduledraft_discounts_within_whole, feescheduledraft_shares_within_whole,
    # feescheduledraft_override_cap_within_whole.
    with violates(f"feescheduledraft_{rule}"):
        copied(draft(finance), **changes).save()
    with violates(f"feeschedule_{rule}"):
        copied(second_version(finance, approver), **changes).save()


def second_version(proposer, publisher):
    row = draft(proposer)
    proposal = proposed(row, proposer)
    return copied(
        FeeSchedule.objects.get(version=1), version=2, draft_id=row.pk, proposal_id=proposal.pk,
        published_at=NOW, effective_at=LATER, proposer_id=proposer.pk, publisher_id=publisher.pk,
    )  # fmt: skip


def test_store_a_version_published_by_another_person_is_accepted(finance, approver):
    second_version(finance, approver).save()

    assert FeeSchedule.objects.count() == 2


@pytest.mark.parametrize("missing", ["publisher_id", "proposer_id", "draft_id", "proposal_id", "nothing"])
def test_store_a_version_without_a_second_person_is_refused(finance, approver, missing):
    if missing == "nothing":
        version = second_version(finance, finance)
    else:
        version = copied(second_version(finance, approver), **{missing: None})

    with violates("feeschedule_published_by_a_second_person"):
        version.save()


def test_store_a_version_effective_before_its_publication_is_refused(finance, approver):
    with violates("feeschedule_effective_after_publication"):
        copied(second_version(finance, approver), effective_at=NOW - timedelta(microseconds=1)).save()


def test_store_a_version_without_brackets_is_refused(finance, approver):
    with violates("feeschedule_has_a_bracket"):
        copied(second_version(finance, approver), bracket_count=0).save()


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("feebracket_first_starts_at_zero", {"position": 0, "from_sats": 1}),
        ("feebracket_first_starts_at_zero", {"position": 1, "from_sats": -1}),
        ("feebracket_rate_within_whole", {"base_rate_ppm": 1_000_001}),
    ],
)
def test_store_a_wrong_bracket_is_refused(finance, approver, constraint, changes):
    version = copied(second_version(finance, approver), bracket_count=3)
    version.save()

    with violates(constraint):
        FeeBracket.objects.create(
            **{"schedule": version, "position": 0, "from_sats": 0, "base_rate_ppm": 1, **changes}
        )


@pytest.mark.parametrize(
    ("constraint", "column", "again"),
    [
        ("feebracket_position_once", "position", {"position": 1, "from_sats": 500}),
        ("feebracket_start_once", "from_sats", {"position": 2, "from_sats": 400}),
    ],
)
def test_store_a_bracket_twice_is_refused(finance, approver, constraint, column, again):
    version = copied(second_version(finance, approver), bracket_count=3)
    version.save()
    FeeBracket.objects.create(schedule=version, position=1, from_sats=400, base_rate_ppm=1)

    with violates_unique(constraint, f"fees_feebracket.schedule_id, fees_feebracket.{column}"):
        FeeBracket.objects.create(schedule=version, base_rate_ppm=1, **again)


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("feebracketdraft_start_not_negative", {"from_sats": -1, "base_rate_ppm": 1}),
        ("feebracketdraft_rate_within_whole", {"from_sats": 1, "base_rate_ppm": 1_000_001}),
    ],
)
def test_store_a_wrong_bracket_of_a_draft_is_refused(finance, constraint, changes):
    row = draft(finance, (0, 8_000))

    with violates(constraint):
        FeeBracketDraft.objects.create(draft=row, **changes)


def test_store_a_bracket_of_a_draft_twice_is_refused(finance):
    row = draft(finance, (0, 8_000))

    with violates_unique(
        "feebracketdraft_start_once", "fees_feebracketdraft.draft_id, fees_feebracketdraft.from_sats"
    ):
        FeeBracketDraft.objects.create(draft=row, from_sats=0, base_rate_ppm=1)


def test_store_a_draft_of_unknown_state_is_refused(finance):
    with violates("feescheduledraft_state_is_known"):
        FeeScheduleDraft.objects.filter(pk=draft(finance).pk).update(state="half")


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("discountgrant_within_whole", {"holder": "user:u-2", "discount_bps": 10_001}),
        ("discountgrant_ends_after_start", {"holder": "user:u-2", "ends_at": NOW}),
        ("discountgrant_kind_is_known", {"kind": "friend"}),
    ],
)
def test_store_a_wrong_grant_is_refused(constraint, changes):
    good = DiscountGrant.objects.get(pk=granted("user:u-1", DiscountKind.SUBSCRIPTION))

    with violates(constraint):
        copied(good, **changes).save()


def test_store_a_second_open_grant_is_refused():
    good = DiscountGrant.objects.get(pk=granted("user:u-1", DiscountKind.SUBSCRIPTION))

    with violates_unique(
        "discountgrant_one_open_per_holder_and_kind",
        "fees_discountgrant.open_holder, fees_discountgrant.kind",
    ):
        copied(good).save()


def test_every_constraint_is_in_the_database():
    with connection.cursor() as cursor:
        for model in apps.get_app_config("fees").get_models():
            there = connection.introspection.get_constraints(cursor, model._meta.db_table)
            assert {constraint.name for constraint in model._meta.constraints} <= set(there), model
