"""A fee is fixed once, recorded once and reversed once."""

from datetime import timedelta
from decimal import Decimal

import pytest

from fees import queries, services
from fees.accrual_queries import accrued_in_all
from fees.enums import DiscountKind
from fees.errors import (
    FeeAlreadyReversed,
    FeeAssessmentMissing,
    FeeRecordedForAnotherDisbursement,
    FeeRecordMissing,
    FeeReversalNotReversible,
    NetNotPositive,
)
from fees.models import FeeAssessment, FeeRecord
from fees.types import Discounts, FeeSplit, FixedFee, PricedFor, Quote
from sunusav.core.models import TrailEntry
from tests.fees.builders import (
    ACTOR,
    FOR,
    LATER,
    NOW,
    counts,
    draft,
    fixed,
    granted,
    published,
    recorded,
    refused_as_append_only,
    stored_rate,
)

pytestmark = pytest.mark.django_db


def quoted(payout, verified=False, recurring=False, override_ppm=None) -> Quote:
    return queries.quote(
        payout, group_verified=verified, user_recurring=recurring, at=NOW, override_ppm=override_ppm
    )


def test_quote_answers_split_fraction_and_version():
    assert quoted(100_000, verified=True) == Quote(FeeSplit(500, 250, 100, 150, 99_500), Decimal("0.005"), 1)
    assert quoted(100_000, override_ppm=5_000).split.fee_sats == 500


def test_quote_of_one_sat_answers_net_zero():
    assert quoted(1).split == FeeSplit(1, 0, 0, 1, 0)


def test_tiers_describe_what_each_kind_pays():
    tiers = queries.tiers(NOW)

    assert {name: str(tier.fee_fraction) for name, tier in tiers.items()} == {
        "standard": "0.01", "verified_group": "0.005", "recurring_user": "0.0075",
        "verified_recurring": "0.00375",
    }  # fmt: skip
    assert tiers["standard"].description == "Everybody: 1 % of the payout, at least 1 sat."


def test_tiers_of_a_bracketed_schedule_describe_every_bracket(finance, approver):
    published(
        draft(finance, (0, 10_000), (1_000_000, 5_000), minimum_fee_sats=10, maximum_fee_sats=90_000),
        finance, approver,
    )  # fmt: skip
    queries.forget_schedules()

    assert queries.tiers(LATER)["verified_group"].description == (
        "Members of a verified group: 0.5 %, 0.25 % from 1000000 sats of the payout, at least 10 sats, "
        "at most 90000 sats."
    )


def test_fix_fee_stores_its_terms(rate):
    verified = granted("group:g-1", DiscountKind.VERIFIED_GROUP)
    pro = granted("user:u-1", DiscountKind.SUBSCRIPTION, discount_bps=2_500)

    fee = fixed(100_000)

    assert fee.split == FeeSplit(375, 187, 75, 113, 99_625)
    assert fee.discounts == Discounts(5_000, 2_500, verified, pro)
    assert (fee.schedule_version, fee.priced_for, fee.rate_id, fee.fixed_at) == (1, FOR, rate.pk, NOW)
    assert (fee.rate_xof_per_btc, fee.is_fallback_rate) == (Decimal(9_123_457), False)
    assert queries.fixed_fee(fee.assessment_id) == fee
    row = FeeAssessment.objects.get()
    assert (row.base_rate_ppm, row.verified_grant_id, row.recurring_grant_id) == (10_000, verified, pro)


def test_fix_fee_keeps_no_rate_from_the_future(rate):
    stored_rate("9999999", observed_at=NOW + timedelta(microseconds=1))

    assert (fixed().rate_id, rate.observed_at) == (rate.pk, NOW)


def test_fix_fee_equals_the_quote_for_true_claims(rate):
    granted("group:g-1", DiscountKind.VERIFIED_GROUP)
    granted("user:u-1", DiscountKind.SUBSCRIPTION, discount_bps=2_500)

    assert fixed(12_345).split == quoted(12_345, verified=True, recurring=True).split


def test_fix_fee_marks_a_fallback_rate(db):
    stored_rate("8000000", is_fallback=True)

    assert fixed().is_fallback_rate


def test_fix_fee_again_later_keeps_what_was_fixed_before(rate):
    before = fixed()
    granted("group:g-1", DiscountKind.VERIFIED_GROUP)

    after = fixed()

    assert (before.split.fee_sats, after.split.fee_sats) == (1_000, 500)
    assert queries.fixed_fee(before.assessment_id) == before


@pytest.mark.parametrize(("payout", "fee"), [(0, 0), (1, 1)])
def test_fix_fee_that_leaves_nothing_is_refused(rate, payout, fee):
    with pytest.raises(NetNotPositive) as refusal:
        fixed(payout)

    assert refusal.value.facts == {"payout_sats": payout, "fee_sats": fee}
    assert counts() == (0, 0)


def test_fix_fee_of_two_sats_leaves_one(rate):
    assert fixed(2).split == FeeSplit(1, 0, 0, 1, 1)


def test_fix_fee_of_unknown_assessment_is_missing(db):
    with pytest.raises(FeeAssessmentMissing):
        queries.fixed_fee(999)


def test_fix_and_record_take_few_statements(rate, django_assert_num_queries):
    queries.schedule_at(NOW)

    with django_assert_num_queries(3):
        fee = fixed()
    with django_assert_num_queries(2):
        record({fee.assessment_id: "disbursement:1"})


def test_record_fee_copies_everything_flat(rate):
    fee = fixed(12_345)

    record = FeeRecord.objects.get(pk=recorded(fee, completed_at=LATER))

    assert queries.split_of_row(record) == FeeSplit(123, 61, 24, 38, 12_222)
    assert (record.subject, record.disbursement_ref, record.payout_sats) == (
        "cycle:c-1",
        "disbursement:1",
        12_345,
    )
    assert (record.group_ref, record.winner_ref, record.settlement_partner) == ("g-1", "u-1", "wave")
    assert (record.rate_id, record.rate_xof_per_btc, record.is_fallback_rate) == (
        rate.pk,
        Decimal(9_123_457),
        False,
    )
    assert (record.completed_at, record.is_reversal, record.schedule.version) == (LATER, False, 1)


def test_record_fee_twice_keeps_one_record(rate):
    fee = fixed()

    assert recorded(fee) == recorded(fee, completed_at=LATER)
    assert FeeRecord.objects.get().completed_at == NOW


def test_record_fee_for_another_disbursement_is_refused(rate):
    fee = fixed()
    recorded(fee, "disbursement:1")

    with pytest.raises(FeeRecordedForAnotherDisbursement) as refusal:
        recorded(fee, "disbursement:2")

    assert refusal.value.facts == {
        "assessment_id": str(fee.assessment_id), "disbursement_ref": "disbursement:1",
    }  # fmt: skip
    assert counts() == (1, 1)


def record(refs: dict[int, str]) -> dict[int, FixedFee]:
    return services.record_fees(refs, completed_at=LATER)


def test_record_fees_records_each_for_its_disbursement_in_two_statements(rate, django_assert_num_queries):
    fees = [fixed(amount, f"cycle:c-{amount}") for amount in (100_000, 12_345)]
    refs = {fee.assessment_id: f"disbursement:{fee.payout_sats}" for fee in fees}

    with django_assert_num_queries(2):
        assert record(refs) == {fee.assessment_id: fee for fee in fees}

    stored = FeeRecord.objects.order_by("id").values_list(
        "disbursement_ref", "fee_sats", "net_sats", "completed_at"
    )
    assert list(stored) == [
        ("disbursement:100000", 1_000, 99_000, LATER), ("disbursement:12345", 123, 12_222, LATER),
    ]  # fmt: skip


def test_record_fees_of_what_was_recorded_for_the_same_keeps_that_record(rate):
    before, new = fixed(), fixed(12_345, "cycle:c-2")
    recorded(before, "disbursement:1")

    recorded_fees = record({before.assessment_id: "disbursement:1", new.assessment_id: "disbursement:2"})

    assert recorded_fees == {before.assessment_id: before, new.assessment_id: new}
    stored = FeeRecord.objects.order_by("id").values_list("disbursement_ref", "completed_at")
    assert list(stored) == [("disbursement:1", NOW), ("disbursement:2", LATER)]


def test_record_fees_with_one_recorded_for_another_records_none(rate):
    before, new = fixed(), fixed(12_345, "cycle:c-2")
    recorded(before, "disbursement:1")

    with pytest.raises(FeeRecordedForAnotherDisbursement):
        record({new.assessment_id: "disbursement:3", before.assessment_id: "disbursement:2"})

    assert counts() == (2, 1)


def test_record_fees_with_one_unknown_records_none(rate):
    with pytest.raises(FeeAssessmentMissing) as refusal:
        record({fixed().assessment_id: "disbursement:1", 999: "disbursement:2"})

    assert refusal.value.facts == {"assessment_id": "999"}
    assert counts() == (1, 0)


def reverse(record_id: int) -> int:
    return services.reverse_fee(record_id=record_id, actor=ACTOR, reason="payout came back", now=LATER)


def test_reverse_fee_appends_the_negated_record_at_its_own_rate(rate):
    record_id = recorded(fixed(12_345))
    stored_rate("7000000", observed_at=NOW + timedelta(hours=1))

    reversal = FeeRecord.objects.get(pk=reverse(record_id))

    assert queries.split_of_row(reversal) == FeeSplit(-123, -61, -24, -38, -12_222)
    assert (reversal.payout_sats, reversal.reverses_id, reversal.assessment_id) == (-12_345, record_id, None)
    assert (reversal.rate_id, reversal.completed_at, reversal.is_reversal) == (rate.pk, LATER, True)
    assert TrailEntry.objects.get(action="reverse_fee").facts == {
        "record": record_id, "reversal": reversal.pk, "fee_sats": 123,
    }  # fmt: skip


def test_reverse_fee_twice_is_refused(rate):
    record_id = recorded(fixed())
    reversal_id = reverse(record_id)

    with pytest.raises(FeeAlreadyReversed) as refusal:
        reverse(record_id)

    assert refusal.value.facts == {"record_id": str(record_id), "reversal_id": str(reversal_id)}
    assert counts() == (1, 2)


def test_reverse_a_reversal_is_refused(rate):
    reversal_id = reverse(recorded(fixed()))

    with pytest.raises(FeeReversalNotReversible):
        reverse(reversal_id)

    assert counts() == (1, 2)


def test_reverse_an_unknown_record_is_refused(db):
    with pytest.raises(FeeRecordMissing):
        reverse(999)


@pytest.mark.parametrize("model", [FeeAssessment, FeeRecord])
def test_change_a_stored_fee_is_refused_by_the_database(rate, model):
    recorded(fixed())

    with refused_as_append_only(model._meta.db_table):
        model.objects.update(fee_sats=0)
    with refused_as_append_only(model._meta.db_table):
        model.objects.all()._raw_delete("default")

    assert counts() == (1, 1)


def _accrued_xof(partner):
    return accrued_in_all(partner).worth // 10**16


def test_accrued_shares_are_worth_their_booked_rates_exactly(rate):
    """300 sats at 9,123,457 are 27.370371 XOF, and at 8,000,000 they are 24: 51.370371 together."""
    first = recorded(fixed())
    stored_rate("8000000", observed_at=NOW + timedelta(minutes=1))
    later = services.fix_fee(
        subject="cycle:c-2", payout_sats=100_000, priced_for=FOR, now=NOW + timedelta(minutes=1)
    )
    recorded(later, "disbursement:2")
    other = PricedFor(group_ref="g-1", winner_ref="u-1", settlement_partner="orange")
    recorded(fixed(subject="cycle:c-3", priced_for=other), "disbursement:3")

    assert _accrued_xof("wave") == 51
    assert _accrued_xof("orange") == 27
    assert _accrued_xof("mtn") == 0

    reverse(first)
    assert _accrued_xof("wave") == 24
