"""The audit of fees reports nothing on a correct history and names each corruption."""

from datetime import timedelta

import pytest

from fees.enums import DiscountKind
from fees.invariants import INVARIANTS, _wrong_with_default
from fees.models import FeeBracket, FeeRecord, FeeSchedule
from fees.services import reverse_fee
from sunusav.core.auditing import AuditScope, Breach
from tests.fees.builders import (
    ACTOR,
    LATER,
    NOW,
    checks_off,
    draft,
    fixed,
    granted,
    proposed,
    published,
    recorded,
)
from tests.support.constraints import copy_of

pytestmark = pytest.mark.django_db


def breaches(since=None) -> list[Breach]:
    scope = AuditScope(now=LATER, since=since)
    return [breach for invariant in INVARIANTS for breach in invariant.find(scope)]


def found(since=None) -> set[tuple[str, str]]:
    return {(breach.invariant, breach.subject) for breach in breaches(since)}


@pytest.fixture
def history(rate, finance, approver) -> FeeRecord:
    granted("group:g-1", DiscountKind.VERIFIED_GROUP)
    granted("user:u-1", DiscountKind.SUBSCRIPTION, discount_bps=2_500)
    published(draft(finance, (0, 10_000), (50_000, 7_500), maximum_fee_sats=10_000), finance, approver)
    reverse_fee(record_id=recorded(fixed(2), "disbursement:2"), actor=ACTOR, reason="test", now=LATER)
    recorded(fixed(12_345), "disbursement:3")
    return FeeRecord.objects.get(pk=recorded(fixed(), "disbursement:1"))


def test_audit_of_a_correct_history_finds_nothing(history):
    assert breaches() == []


def wrong_record(history, **changes) -> str:
    with checks_off():
        row = copy_of(
            history, disbursement_ref="disbursement:9", assessment_id=fixed().assessment_id, **changes
        )
        row.save()
    return f"fee_record:{row.pk}"


def wrong_assessment(history, **changes) -> str:
    with checks_off():
        row = copy_of(history.assessment, **changes)
        row.save()
    return f"fee_assessment:{row.pk}"


def test_audit_finds_a_record_whose_parts_do_not_sum(history):
    subject = wrong_record(history, partner_sats=112)

    assert found() == {("I03", subject), ("I03b", subject)}


def test_audit_finds_a_record_with_a_negative_part(history):
    subject = wrong_record(history, platform_sats=-1, community_sats=75 + 188)

    assert found() == {("I03", subject), ("I03b", subject)}


def test_audit_finds_a_record_whose_gross_is_not_net_plus_fee(history):
    subject = wrong_record(history, net_sats=99_624)

    assert found() == {("I04", subject), ("I03b", subject)}


def test_audit_finds_a_record_that_differs_from_its_fixed_fee(history):
    subject = wrong_record(history, settlement_partner="orange")

    assert [breach for breach in breaches() if breach.subject == subject] == [
        Breach("I03b", subject, "differs from its origin in settlement_partner")
    ]


def test_audit_finds_a_reversal_that_is_no_mirror(history):
    with checks_off():
        row = copy_of(history, assessment_id=None, reverses_id=history.pk, is_reversal=True)
        row.save()

    assert found() == {(code, f"fee_record:{row.pk}") for code in ("I03", "I03b", "I04")}


def test_audit_finds_an_assessment_that_does_not_follow_from_its_terms(history):
    subject = wrong_assessment(history, fee_sats=376, partner_sats=114, net_sats=99_624)

    assert found() == {("I03c", subject)}


def test_audit_finds_an_assessment_whose_parts_or_gross_are_wrong(history):
    subject = wrong_assessment(history, fee_sats=376, net_sats=0)

    assert found() == {("I03", subject), ("I03c", subject), ("I04", subject)}


def test_audit_finds_an_assessment_at_another_rate_than_its_brackets(history):
    # 5,000 ppm of 100,000 with both discounts: 187.5 -> 187 = 93 + 37 + 57.
    subject = wrong_assessment(
        history, base_rate_ppm=5_000, fee_sats=187, platform_sats=93, community_sats=37, partner_sats=57,
        net_sats=99_813,
    )  # fmt: skip

    assert found() == {("I03c", subject)}


def test_audit_finds_an_assessment_fixed_before_its_schedule_took_effect(history):
    version_2 = FeeSchedule.objects.get(version=2)
    # 7,500 ppm with both discounts: 281.25 -> 281 = 140 + 56 + 85.
    subject = wrong_assessment(
        history, schedule_id=version_2.pk, base_rate_ppm=7_500, fee_sats=281, platform_sats=140,
        community_sats=56, partner_sats=85, net_sats=99_719,
    )  # fmt: skip

    assert found() == {("I03c", subject)}


def test_fast_audit_checks_only_what_is_new(history):
    wrong_record(history, partner_sats=112)

    assert found(since=NOW + timedelta(seconds=1)) == set()
    assert len(found(since=NOW)) == 2


def wrong_version(proposer, publisher, version=2, **changes):
    row = draft(proposer, (0, 8_000))
    proposal = proposed(row, proposer)
    with checks_off():
        schedule = copy_of(
            FeeSchedule.objects.get(version=1), version=version, draft_id=row.pk, proposal_id=proposal.pk,
            published_at=NOW, effective_at=LATER, proposer_id=proposer.pk, publisher_id=publisher.pk,
        )  # fmt: skip
        for name, value in changes.items():
            setattr(schedule, name, value)
        schedule.save()
    return schedule


def details() -> list[str]:
    return [breach.detail for breach in breaches() if breach.invariant == "I16b"]


def test_audit_finds_a_version_nobody_approved(finance, approver):
    schedule = wrong_version(finance, approver)
    FeeBracket.objects.create(schedule=schedule, position=0, from_sats=0, base_rate_ppm=8_000)

    assert details() == ["published without an approved proposal"]


def test_audit_finds_a_version_published_by_its_proposer(finance, approver):
    good = published(draft(finance), finance, approver)
    with checks_off():
        copy_of(good, version=3, proposal_id=None, draft_id=None, publisher_id=finance.pk).save()

    assert details() == [
        "brackets start at [], 1 were published",
        "published without an approved proposal",
    ]


def test_audit_finds_rules_that_nobody_approved(finance, approver):
    good = published(draft(finance), finance, approver)
    other = draft(finance)
    proposal = proposed(other, finance)
    type(proposal).objects.filter(pk=proposal.pk).update(state="approved", decided_at=NOW)
    with checks_off():
        schedule = copy_of(
            good, version=3, draft_id=other.pk, proposal_id=proposal.pk, publisher_id=finance.pk,
            minimum_fee_sats=99, published_at=LATER,
        )  # fmt: skip
        schedule.save()
    FeeBracket.objects.create(schedule=schedule, position=0, from_sats=0, base_rate_ppm=8_000)

    assert details() == [
        "the publisher is the proposer, or the proposer copy is untrue",
        "the publisher did not approve it",
        "its rules are not the approved ones",
        "effective too soon after its publication",
    ]


def test_audit_finds_a_missing_version_and_a_bracket_out_of_order(finance, approver):
    schedule = wrong_version(finance, approver, version=3, bracket_count=3)
    for position, start in enumerate((0, 500, 400)):
        FeeBracket.objects.create(schedule=schedule, position=position, from_sats=start, base_rate_ppm=1)

    assert details()[:2] == [
        "version 2 is missing", "brackets start at [0, 500, 400], 3 were published",
    ]  # fmt: skip


def test_audit_finds_a_version_1_that_is_not_the_default(db):
    row = FeeSchedule.objects.get(version=1)
    row.platform_share_bps = 4_999

    assert list(_wrong_with_default(row)) == ["version 1 is not the default"]
