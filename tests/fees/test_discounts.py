"""Discount grants: their holders, their periods, and the figures of the fee schedule."""

from datetime import timedelta

import pytest

from fees import queries, services
from fees.enums import DiscountKind
from fees.errors import (
    DiscountAlreadyGranted,
    DiscountHolderInvalid,
    DiscountNotGranted,
    DiscountOutOfRange,
    DiscountPeriodEmpty,
)
from fees.models import DiscountGrant
from fees.types import Discounts, FeeSplit
from sunusav.core.models import TrailEntry
from tests.fees.builders import ACTOR, FOR, LATER, NOW, draft, granted, published

pytestmark = pytest.mark.django_db
VERIFIED, SUBSCRIPTION = DiscountKind.VERIFIED_GROUP, DiscountKind.SUBSCRIPTION
MICROSECOND = timedelta(microseconds=1)


def discounts(at=NOW) -> Discounts:
    return queries.active_discounts("g-1", "u-1", at)


def test_discounts_without_grants_are_none():
    assert discounts() == Discounts(0, 0, None, None)
    assert queries.verified_groups(["g-1"], NOW) == set()


def test_grant_both_kinds_gives_both_discounts_with_their_grants():
    verified = granted("group:g-1", VERIFIED)
    enterprise = granted("user:u-1", SUBSCRIPTION, discount_bps=5_000)

    assert discounts() == Discounts(5_000, 5_000, verified, enterprise)
    assert queries.verified_groups(["g-1"], NOW) == {"g-1"}
    assert queries.expected_fee(12_345, FOR, NOW) == FeeSplit(30, 15, 6, 9, 12_315)


def test_grants_of_others_do_not_count():
    granted("group:g-2", VERIFIED)
    granted("group:G-1", VERIFIED)
    granted("user:u-2", SUBSCRIPTION, discount_bps=2_500)

    assert discounts() == Discounts()


@pytest.mark.parametrize("ref", ["Awa", "AWA", "awa", "áwa", "ａwa", "awa\u0301"])
def test_discounts_are_found_by_their_holder_byte_for_byte(ref):
    """Each of these grants is somebody else's, on every database."""
    others = [other for other in ("Awa", "AWA", "awa", "áwa", "ａwa", "awa\u0301") if other != ref]
    for other in others:
        granted(f"user:{other}", SUBSCRIPTION, discount_bps=2_500)
        granted(f"group:{other}", VERIFIED)
    assert queries.active_discounts(ref, ref, NOW) == Discounts()
    assert queries.verified_groups([ref, *others], NOW) == set(others)
    with pytest.raises(DiscountNotGranted):
        services.revoke_discount(holder=f"user:{ref}", kind=SUBSCRIPTION, actor=ACTOR, now=NOW)

    subscription = granted(f"user:{ref}", SUBSCRIPTION, discount_bps=1_000)
    verified = granted(f"group:{ref}", VERIFIED)

    assert queries.active_discounts(ref, ref, NOW) == Discounts(5_000, 1_000, verified, subscription)


def test_grant_without_a_figure_follows_the_schedule_in_force(finance, approver):
    granted("group:g-1", VERIFIED)
    granted("user:u-1", SUBSCRIPTION, discount_bps=2_500)
    published(draft(finance, verified_discount_bps=6_000, recurring_discount_bps=9_000), finance, approver)
    queries.forget_schedules()

    assert (discounts(LATER).verified_bps, discounts(LATER).recurring_bps) == (6_000, 2_500)
    assert discounts(LATER - MICROSECOND).verified_bps == 5_000


def test_grant_counts_from_its_start_until_its_end():
    granted("user:u-1", SUBSCRIPTION, discount_bps=2_500, starts_at=NOW, ends_at=LATER)

    moments = [NOW - MICROSECOND, NOW, LATER - MICROSECOND, LATER]
    assert [discounts(at).recurring_bps for at in moments] == [0, 2_500, 2_500, 0]


def test_grant_is_recorded_in_the_trail():
    grant_id = granted("user:u-1", SUBSCRIPTION, discount_bps=2_500, granted_for="subscription:7")

    line = TrailEntry.objects.get()
    assert (line.subject, line.action, line.actor_label) == ("discount:user:u-1", "grant", "system:test")
    assert line.facts == {
        "grant": grant_id, "kind": "subscription", "discount_bps": 2_500, "for": "subscription:7",
    }  # fmt: skip


def test_revoke_ends_the_discount_now_and_not_before():
    granted("group:g-1", VERIFIED)

    services.revoke_discount(holder="group:g-1", kind=VERIFIED, actor=ACTOR, now=LATER, reason="left")

    assert queries.verified_groups(["g-1"], LATER - MICROSECOND) == {"g-1"}
    assert queries.verified_groups(["g-1"], LATER) == set()
    assert TrailEntry.objects.filter(action="revoke", reason="left").count() == 1


def test_revoke_what_is_not_granted_is_refused():
    granted("group:g-1", VERIFIED, ends_at=LATER)

    for holder, kind, at in [("user:u-1", SUBSCRIPTION, NOW), ("group:g-1", VERIFIED, LATER)]:
        with pytest.raises(DiscountNotGranted) as refusal:
            services.revoke_discount(holder=holder, kind=kind, actor=ACTOR, now=at)
        assert refusal.value.facts == {"holder": holder, "kind": str(kind)}

    assert DiscountGrant.objects.get().closed_at is None
    assert TrailEntry.objects.filter(action="revoke").count() == 0


def test_grant_while_one_is_open_is_refused():
    first = granted("user:u-1", SUBSCRIPTION, discount_bps=2_500, ends_at=LATER)

    with pytest.raises(DiscountAlreadyGranted) as refusal:
        granted("user:u-1", SUBSCRIPTION, discount_bps=5_000, starts_at=LATER - MICROSECOND)

    assert refusal.value.facts == {"holder": "user:u-1", "kind": "subscription", "grant_id": str(first)}
    assert DiscountGrant.objects.count() == 1
    assert TrailEntry.objects.count() == 1


def test_grant_after_one_that_ended_follows_it_without_overlap():
    first = granted("user:u-1", SUBSCRIPTION, discount_bps=2_500, ends_at=LATER)
    second = granted("user:u-1", SUBSCRIPTION, discount_bps=5_000, starts_at=LATER)

    assert discounts(LATER - MICROSECOND).recurring_grant_id == first
    assert discounts(LATER) == Discounts(0, 5_000, None, second)


@pytest.mark.parametrize("figures", [(2_500, 5_000), (5_000, 2_500)])
def test_of_two_grants_in_force_at_once_the_larger_counts(figures):
    """The first is revoked later than the second begins."""
    grants = {}
    for bps in figures:
        grants[bps] = granted("user:u-1", SUBSCRIPTION, discount_bps=bps)
        services.revoke_discount(holder="user:u-1", kind=SUBSCRIPTION, actor=ACTOR, now=LATER)

    assert discounts() == Discounts(0, 5_000, None, grants[5_000])


def test_grant_after_a_revocation_counts_again():
    granted("user:u-1", SUBSCRIPTION, discount_bps=2_500)
    services.revoke_discount(holder="user:u-1", kind=SUBSCRIPTION, actor=ACTOR, now=LATER)
    granted("user:u-1", SUBSCRIPTION, discount_bps=5_000, starts_at=LATER)

    assert discounts(LATER).recurring_bps == 5_000


@pytest.mark.parametrize(
    ("holder", "kind", "fields", "refusal"),
    [
        ("user:u-1", VERIFIED, {}, DiscountHolderInvalid),
        ("group:g-1", SUBSCRIPTION, {}, DiscountHolderInvalid),
        ("group:", VERIFIED, {}, DiscountHolderInvalid),
        ("u-1", SUBSCRIPTION, {}, DiscountHolderInvalid),
        ("user:u-1 ", SUBSCRIPTION, {}, DiscountHolderInvalid),
        ("user: u-1", SUBSCRIPTION, {}, DiscountHolderInvalid),
        ("user:u-1", SUBSCRIPTION, {"discount_bps": 10_001}, DiscountOutOfRange),
        ("user:u-1", SUBSCRIPTION, {"discount_bps": -1}, DiscountOutOfRange),
        ("user:u-1", SUBSCRIPTION, {"ends_at": NOW}, DiscountPeriodEmpty),
    ],
)
def test_grant_with_an_invalid_holder_figure_or_period_is_refused(holder, kind, fields, refusal):
    with pytest.raises(refusal):
        granted(holder, kind, **fields)

    assert DiscountGrant.objects.count() == 0
    assert TrailEntry.objects.count() == 0


def test_verified_groups_are_found_in_one_query(django_assert_num_queries):
    for ref in ("g-1", "g-2", "g-3"):
        granted(f"group:{ref}", VERIFIED)
    services.revoke_discount(holder="group:g-2", kind=VERIFIED, actor=ACTOR, now=NOW)

    with django_assert_num_queries(1):
        assert queries.verified_groups(["g-1", "g-2", "g-4"], NOW) == {"g-1"}
