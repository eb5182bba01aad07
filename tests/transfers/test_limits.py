"""Limits of outgoing money, at N and N + 1: per payout, per payee and day in Dakar, per hour in total.

A payout of 100,000 sats has a net of 99,000, and the net is what leaves and counts.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from pytest_django import Settings

from sunusav.core import approvals
from sunusav.core.approvals import (
    ApproverIsProposer,
    NotAllowedToDecide,
    ProposalAlreadyOpen,
    ProposalFactsChanged,
)
from sunusav.core.models import OutboxMessage, TrailEntry
from sunusav.core.roles import Role
from tests.factories.limits import set_limit_to
from tests.factories.users import make_user
from tests.transfers.builders import (
    BY,
    NET_SATS,
    NOW,
    PAID,
    PAYOUT_MSAT,
    UNTOUCHED,
    Snapshot,
    destination_row,
    ordered,
    other_invoice,
    replace_destination,
    row_of,
    run,
    snapshot,
)
from tests.transfers.rails import SteeredRail, Watch
from tests.transfers.unchanged import unchanged
from transfers.calculations import counts_in_hour, counts_on_day
from transfers.enums import FailureClass
from transfers.errors import PaymentLimitOutOfRange, PaymentLimitRequestMissing
from transfers.models import Disbursement, LimitUsage, PastAdmission, PaymentLimit
from transfers.queries import limits_in_force
from transfers.services.disbursements import retry_disbursement
from transfers.services.limits import Admission, NotAdmitted, admit, describe_limit, propose_limit
from transfers.types import Refused

pytestmark = pytest.mark.django_db

NET_MSAT = NET_SATS * 1_000
MIDNIGHT = datetime(2026, 3, 5, 0, 0, tzinfo=UTC)
RETRY = Refused(reason="no-route", failure=FailureClass.RETRY)


def held(disbursement_id: int) -> tuple[str, str, datetime | None]:
    """Return how a disbursement waits: its state, why, until when."""
    row = row_of(disbursement_id)
    return row.state, row.failure_code, row.due_at


def used(kind: str) -> dict[str, int]:
    return dict(LimitUsage.objects.filter(kind=kind).values_list("key", "used_msat"))


def ordered_for(payee: str, name: str, **changes: Any) -> int:
    return ordered(name, payee_ref=payee, **changes)


# In force from the first migration


def test_limits_are_in_force_from_the_beginning_with_nobodys_approval() -> None:
    assert {
        kind: (row.version, row.amount_sats, row.approver) for kind, row in limits_in_force().items()
    } == {
        "per_payout": (1, 10_000_000, None),
        "per_payee_day": (1, 20_000_000, None),
        "total_hour": (1, 100_000_000, None),
        "replaced_destination": (1, 10_000, None),
    }


# Per payout


def test_run_payout_of_exactly_the_limit_is_paid(node: SteeredRail, watch: Watch) -> None:
    set_limit_to("per_payout", NET_SATS, now=NOW)
    disbursement_id = ordered()

    run(watch)

    assert snapshot(disbursement_id) == PAID
    row = row_of(disbursement_id)
    assert (row.admitted_at, row.admitted_by_version, row.waived_at) == (NOW, 2, None)


def test_run_payout_of_one_sat_more_than_the_limit_waits_for_a_person(
    node: SteeredRail, watch: Watch
) -> None:
    set_limit_to("per_payout", NET_SATS - 1, now=NOW)
    disbursement_id = ordered()

    run(watch)

    assert held(disbursement_id) == ("needs_review", "payout-above-limit", None)
    assert snapshot(disbursement_id) == Snapshot("needs_review", [], 0, PAYOUT_MSAT)
    assert node.sends == 0
    assert row_of(disbursement_id).admitted_at is None
    assert used("total_hour") == used("per_payee_day") == {}


def test_retry_after_the_limit_was_raised_pays(node: SteeredRail, watch: Watch) -> None:
    set_limit_to("per_payout", NET_SATS - 1, now=NOW)
    disbursement_id = ordered()
    run(watch)
    set_limit_to("per_payout", NET_SATS, now=NOW)

    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="raised", now=NOW)
    run(watch)

    assert snapshot(disbursement_id) == PAID
    assert row_of(disbursement_id).failure_code == ""


@pytest.mark.parametrize("kind", ["per_payee_day", "total_hour"])
def test_run_payout_above_any_limit_by_itself_never_waits_for_time_alone(
    node: SteeredRail, watch: Watch, kind: str
) -> None:
    set_limit_to(kind, NET_SATS - 1, now=NOW)
    disbursement_id = ordered()

    run(watch)

    assert held(disbursement_id) == ("needs_review", "payout-above-limit", None)


# Per payee and day


def test_run_second_payout_that_fills_a_payees_day_is_paid(node: SteeredRail, watch: Watch) -> None:
    set_limit_to("per_payee_day", 2 * NET_SATS, now=NOW)
    first, second = ordered_for("user:awa", "a1"), ordered_for("user:awa", "a2")

    run(watch)

    assert (row_of(first).state, row_of(second).state) == ("completed", "completed")
    assert used("per_payee_day") == {"2026-03-04 user:awa": 2 * NET_MSAT}


def test_run_payout_one_sat_above_a_payees_day_waits_until_midnight_in_dakar(
    node: SteeredRail, watch: Watch
) -> None:
    set_limit_to("per_payee_day", 2 * NET_SATS - 1, now=NOW)
    first, second, other = (
        ordered_for("user:awa", "a1"),
        ordered_for("user:awa", "a2"),
        ordered_for("user:b", "b"),
    )

    run(watch)

    midnight = datetime(2026, 3, 5, 0, 0, tzinfo=UTC)
    assert row_of(first).state == row_of(other).state == "completed"
    assert held(second) == ("processing", "payee-day-limit", midnight)
    assert row_of(second).attempts.count() == 0
    assert used("per_payee_day") == {"2026-03-04 user:awa": NET_MSAT, "2026-03-04 user:b": NET_MSAT}
    line = TrailEntry.objects.get(subject=f"disbursement:{second}", action="hold_back")
    assert (line.reason, line.facts) == (
        "",
        {"code": "payee-day-limit", "limit_sats": 2 * NET_SATS - 1, "until": midnight.isoformat()},
    )

    watch.at = midnight
    run(watch)

    assert row_of(second).state == "completed"
    assert used("per_payee_day")["2026-03-05 user:awa"] == NET_MSAT


def test_run_payouts_on_both_sides_of_midnight_count_for_two_days(node: SteeredRail, watch: Watch) -> None:
    set_limit_to("per_payee_day", NET_SATS, now=NOW)
    watch.at = datetime(2026, 3, 4, 23, 59, 59, 999_999, tzinfo=UTC)
    first = ordered_for("user:awa", "a1", at=watch.at)
    run(watch)
    watch.at = datetime(2026, 3, 5, 0, 0, tzinfo=UTC)
    second = ordered_for("user:awa", "a2", at=watch.at)

    run(watch)

    assert row_of(first).state == row_of(second).state == "completed"
    assert used("per_payee_day") == {"2026-03-04 user:awa": NET_MSAT, "2026-03-05 user:awa": NET_MSAT}


def test_subject_without_a_payee_is_a_payee_of_its_own(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered("awa")

    assert row_of(disbursement_id).payee_ref == "cycle:awa"


# Per hour


def test_run_total_of_an_hour_takes_exactly_its_limit(node: SteeredRail, watch: Watch) -> None:
    set_limit_to("total_hour", 2 * NET_SATS, now=NOW)
    ids = [ordered(name) for name in ("a", "b", "c")]

    run(watch)

    assert [row_of(pk).state for pk in ids] == ["completed", "completed", "processing"]
    # All of it was admitted in the minute of 10:00: it counts until that minute is an hour old.
    assert held(ids[2]) == ("processing", "hour-limit", NOW + timedelta(minutes=61))
    assert used("total_hour") == {"2026-03-04T10:00": 2 * NET_MSAT}


def test_run_hour_frees_as_its_oldest_minutes_pass(node: SteeredRail, watch: Watch) -> None:
    set_limit_to("total_hour", 2 * NET_SATS, now=NOW)
    ordered("a")
    run(watch)
    watch.advance(30 * 60)
    ordered("b", at=watch.at)
    run(watch)
    waits = ordered("c", at=watch.at)
    run(watch)
    assert held(waits) == ("processing", "hour-limit", NOW + timedelta(minutes=61))

    watch.at = NOW + timedelta(minutes=60, seconds=59)
    early = ordered("d", at=watch.at)
    run(watch)
    assert held(early) == ("processing", "hour-limit", NOW + timedelta(minutes=61))

    watch.at = NOW + timedelta(minutes=61)
    run(watch)

    assert sorted([row_of(waits).state, row_of(early).state]) == ["completed", "processing"]
    assert LimitUsage.objects.filter(kind="total_hour").count() == 3


# Retries


@pytest.mark.parametrize(
    ("counted_at", "counts_again"),
    [
        (None, True),
        (NOW, False),
        (NOW - timedelta(hours=1) + timedelta(microseconds=1), False),
        (NOW - timedelta(hours=1), True),
        (NOW - timedelta(hours=2), True),
    ],
)
def test_payment_counts_again_for_the_hour_once_an_hour_has_passed(
    counted_at: datetime | None, counts_again: bool
) -> None:
    assert counts_in_hour(counted_at, NOW) is counts_again


def test_payment_counts_again_for_the_hour_and_the_day_after_midnight() -> None:
    midnight = datetime(2026, 3, 5, tzinfo=UTC)
    before = midnight - timedelta(microseconds=1)

    assert (counts_in_hour(before, midnight), counts_on_day(before, midnight)) == (True, True)
    assert (counts_in_hour(before, before), counts_on_day(midnight, midnight)) == (False, False)


def test_retried_payment_counts_once(node: SteeredRail, watch: Watch) -> None:
    set_limit_to("total_hour", NET_SATS, now=NOW)
    set_limit_to("per_payee_day", NET_SATS, now=NOW)
    disbursement_id = ordered()
    node.script.append(RETRY)

    run(watch)
    assert used("total_hour") == {"2026-03-04T10:00": NET_MSAT}
    watch.advance(60)
    run(watch)

    assert row_of(disbursement_id).state == "completed"
    assert row_of(disbursement_id).attempts.count() == 2
    assert row_of(disbursement_id).admitted_at == NOW
    assert used("total_hour") == {"2026-03-04T10:00": NET_MSAT}


def test_payment_that_a_person_retries_counts_again_for_the_hour_and_the_day(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered(payee_ref="user:awa")
    node.script.append(Refused(reason="invoice-expired", failure=FailureClass.FINAL))
    run(watch)
    watch.advance(60)

    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="asked", now=watch.at)
    assert row_of(disbursement_id).admitted_at is None
    run(watch)

    assert row_of(disbursement_id).state == "completed"
    assert used("total_hour") == {"2026-03-04T10:00": NET_MSAT, "2026-03-04T10:01": NET_MSAT}
    assert used("per_payee_day") == {"2026-03-04 user:awa": 2 * NET_MSAT}
    past = PastAdmission.objects.get()
    assert (past.admitted_at, past.retried_at) == (NOW, NOW + timedelta(seconds=60))


def test_retry_by_a_person_waits_for_the_payees_next_day_when_it_exceeds_the_limit(
    node: SteeredRail, watch: Watch
) -> None:
    set_limit_to("per_payee_day", 2 * NET_SATS - 1, now=NOW)
    disbursement_id = ordered()
    node.script.append(Refused(reason="invoice-expired", failure=FailureClass.FINAL))
    run(watch)
    watch.advance(60)

    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="asked", now=watch.at)
    run(watch)

    assert held(disbursement_id) == ("processing", "payee-day-limit", MIDNIGHT)
    assert node.sends == 1


def test_payments_admitted_in_earlier_hours_count_again_when_retried(node: SteeredRail, watch: Watch) -> None:
    """One payment in each of three hours finds no route; then all find one at once."""
    set_limit_to("total_hour", NET_SATS, now=NOW)
    names = ["awa", "binta", "coumba"]
    ids = []
    for hours, name in enumerate(names):
        watch.at = NOW + timedelta(hours=2 * hours)
        node.script.append(Refused(reason="insufficient-balance", failure=FailureClass.HOLD))
        ids.append(ordered(name, at=watch.at))
        run(watch)
        Disbursement.objects.filter(state="processing").update(due_at=NOW + timedelta(hours=6))

    watch.at = NOW + timedelta(hours=6)
    run(watch)

    assert node.sends == 4
    assert sorted(row_of(one).failure_code for one in ids) == ["", "hour-limit", "hour-limit"]
    assert used("total_hour") == {f"2026-03-04T{hour}:00": NET_MSAT for hour in (10, 12, 14, 16)}
    assert used("per_payee_day") == {f"2026-03-04 cycle:{name}": NET_MSAT for name in names}


def test_payment_admitted_yesterday_counts_for_today_when_it_goes_today(
    node: SteeredRail, watch: Watch
) -> None:
    set_limit_to("per_payee_day", NET_SATS, now=NOW)
    watch.at = MIDNIGHT - timedelta(minutes=1)
    node.script.append(RETRY)
    first = ordered_for("user:awa", "first", at=watch.at)
    run(watch)
    watch.at = MIDNIGHT + timedelta(minutes=1)
    run(watch)
    second = ordered_for("user:awa", "second", at=watch.at)
    run(watch)

    assert row_of(first).state == "completed"
    assert held(second) == ("processing", "payee-day-limit", MIDNIGHT + timedelta(days=1))
    assert used("per_payee_day") == {"2026-03-04 user:awa": NET_MSAT, "2026-03-05 user:awa": NET_MSAT}


def test_retried_payment_above_a_limit_lowered_meanwhile_waits_for_a_person(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    node.script.append(RETRY)
    run(watch)
    set_limit_to("per_payout", NET_SATS - 1, now=NOW)
    watch.advance(60)

    run(watch)

    # Its closed order can still be paid: the provider is asked about it meanwhile.
    assert held(disbursement_id) == ("needs_review", "payout-above-limit", watch.after(30))


# Many at once, in one transaction


def test_admit_many_counts_all_or_nothing() -> None:
    set_limit_to("total_hour", 2 * NET_SATS, now=NOW)
    rows = [row_of(ordered(name)) for name in ("a", "b", "c")]

    with unchanged(), transaction.atomic(), pytest.raises(NotAdmitted) as refusal:
        admit([Admission(row, None) for row in rows], now=NOW)
    deferrals = refusal.value.deferrals
    assert {pk: why.code for pk, why in deferrals.items()} == {rows[2].pk: "hour-limit"}

    admit([Admission(row, None) for row in rows[:2]], now=NOW)

    assert used("total_hour") == {"2026-03-04T10:00": 2 * NET_MSAT}
    assert [row_of(row.pk).admitted_at for row in rows] == [NOW, NOW, None]


# A destination that became another payee's


@pytest.mark.parametrize(
    ("limit_sats", "after", "goes"),
    [
        (NET_SATS, timedelta(0), True),
        (NET_SATS - 1, timedelta(0), False),
        (NET_SATS - 1, timedelta(hours=23, minutes=59, seconds=59), False),
        (NET_SATS - 1, timedelta(hours=24), True),
    ],
)
def test_replaced_destination_waits_24_hours_when_above_its_limit(
    node: SteeredRail, watch: Watch, limit_sats: int, after: timedelta, goes: bool
) -> None:
    set_limit_to("replaced_destination", limit_sats, now=NOW)
    disbursement_id = ordered(destination_replaced_at=NOW)
    watch.at = NOW + after

    run(watch)

    if goes:
        assert snapshot(disbursement_id) == PAID
    else:
        assert snapshot(disbursement_id) == UNTOUCHED
        assert held(disbursement_id) == (
            "processing",
            "destination-cooling-off",
            NOW + timedelta(hours=24),
        )
        assert node.sends == 0


def test_deferral_by_a_limit_is_announced_once(node: SteeredRail, watch: Watch, settings: Settings) -> None:
    settings.PLATFORM_WEBHOOK_URL = "https://platform.example/hooks"
    disbursement_id = ordered(destination_replaced_at=NOW)
    run(watch)
    watch.at = NOW + timedelta(hours=1)
    Disbursement.objects.update(due_at=watch.at)
    run(watch)

    (message,) = OutboxMessage.objects.all()
    assert (message.topic, message.subject) == ("disbursement.held_back", "cycle:awa")
    assert message.payload == {
        "id": disbursement_id, "subject": "cycle:awa", "state": "processing", "net_sats": NET_SATS,
        "failure_code": "destination-cooling-off", "until": (NOW + timedelta(hours=24)).isoformat(),
    }  # fmt: skip


def test_scheduled_payment_to_a_replaced_destination_waits_too(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered(scheduled_at=NOW + timedelta(hours=1), destination_replaced_at=NOW)
    watch.advance(3600)

    run(watch)

    assert held(disbursement_id) == ("processing", "destination-cooling-off", NOW + timedelta(hours=24))


def test_destination_replaced_between_two_tries_waits_though_it_was_counted(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    node.script.append(RETRY)
    run(watch)
    replace_destination(
        disbursement_id=disbursement_id, destination=other_invoice("thief@other"), actor=BY, now=NOW, replaced_at=NOW
    )  # fmt: skip
    watch.advance(60)

    run(watch)

    assert held(disbursement_id) == ("processing", "destination-cooling-off", NOW + timedelta(hours=24))
    assert node.sends == 1


def test_replace_destination_without_a_change_of_payee_keeps_the_wait() -> None:
    disbursement_id = ordered(destination_replaced_at=NOW)

    replace_destination(
        disbursement_id=disbursement_id, destination=other_invoice("fresh"), actor=BY, now=NOW + timedelta(hours=1)
    )  # fmt: skip

    assert destination_row(disbursement_id).replaced_at == NOW


# Changing a limit


def test_limit_is_set_by_two_people_and_keeps_its_versions() -> None:
    finance, approver = make_user(Role.FINANCE), make_user(Role.APPROVER)
    proposal = propose_limit(
        kind="per_payout", amount_sats=5_000_000, reason="smaller", proposer=finance, now=NOW
    )
    assert proposal.facts == {
        "kind": "per_payout", "amount_sats": 5_000_000, "in_force_sats": 10_000_000, "in_force_version": 1,
        "reason": "smaller",
    }  # fmt: skip
    assert limits_in_force()["per_payout"].amount_sats == 10_000_000

    approvals.approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=NOW)

    row = limits_in_force()["per_payout"]
    assert (row.version, row.amount_sats, row.proposer, row.approver) == (2, 5_000_000, finance, approver)
    assert list(
        PaymentLimit.objects.filter(kind="per_payout")
        .order_by("version")
        .values_list("amount_sats", flat=True)
    ) == [10_000_000, 5_000_000]
    line = TrailEntry.objects.get(action="set_limit")
    assert (line.subject, line.from_state, line.to_state) == (
        "payment_limit:per_payout",
        "10000000",
        "5000000",
    )


def test_proposer_of_a_limit_cannot_approve_it_superuser_or_not() -> None:
    both = make_user(Role.FINANCE, is_superuser=True)
    proposal = propose_limit(kind="total_hour", amount_sats=1, reason="less", proposer=both, now=NOW)

    with unchanged(), pytest.raises(ApproverIsProposer):
        approvals.approve(proposal_id=proposal.pk, approver=both, digest=proposal.digest, now=NOW)


def test_approver_may_not_propose_a_limit_nor_finance_approve_one() -> None:
    with unchanged(), pytest.raises(NotAllowedToDecide):
        propose_limit(
            kind="total_hour", amount_sats=1, reason="less", proposer=make_user(Role.APPROVER), now=NOW
        )
    proposal = propose_limit(
        kind="total_hour", amount_sats=1, reason="less", proposer=make_user(Role.FINANCE), now=NOW
    )
    with unchanged(), pytest.raises(NotAllowedToDecide):
        approvals.approve(
            proposal_id=proposal.pk, approver=make_user(Role.FINANCE), digest=proposal.digest, now=NOW
        )


def test_one_proposal_of_a_kind_waits_at_a_time() -> None:
    finance = make_user(Role.FINANCE)
    propose_limit(kind="total_hour", amount_sats=1, reason="less", proposer=finance, now=NOW)
    propose_limit(kind="per_payout", amount_sats=1, reason="less", proposer=finance, now=NOW)

    with unchanged(), pytest.raises(ProposalAlreadyOpen):
        propose_limit(kind="total_hour", amount_sats=2, reason="less", proposer=finance, now=NOW)


def test_limit_proposed_against_one_that_was_replaced_meanwhile_is_not_approved() -> None:
    proposal = propose_limit(
        kind="total_hour", amount_sats=7, reason="less", proposer=make_user(Role.FINANCE), now=NOW
    )
    _set_without_approval("total_hour", 9)

    with unchanged(), pytest.raises(ProposalFactsChanged):
        approvals.approve(
            proposal_id=proposal.pk, approver=make_user(Role.APPROVER), digest=proposal.digest, now=NOW
        )


def _set_without_approval(kind: str, amount_sats: int) -> None:
    """Put a second version in force without the rule that one proposal of a kind is open at a time."""
    set_limit_to("per_payout", 8, now=NOW)
    made = PaymentLimit.objects.get(kind="per_payout", version=2)
    request = made.request
    assert request is not None
    request.pk, request.kind = None, kind
    request.save(force_insert=True)
    proposal = made.proposal
    assert proposal is not None
    proposal.pk, proposal.subject_id = None, str(request.pk)
    proposal.save(force_insert=True)
    made.pk, made.kind, made.amount_sats, made.request, made.proposal = (
        None,
        kind,
        amount_sats,
        request,
        proposal,
    )
    made.save(force_insert=True)


@pytest.mark.parametrize(
    ("kind", "amount_sats"), [("per_payout", 0), ("replaced_destination", -1), ("total_hour", 2_100_000_000_000_001)]
)  # fmt: skip
def test_limit_out_of_range_is_refused(kind: str, amount_sats: int) -> None:
    finance = make_user(Role.FINANCE)

    with unchanged(), pytest.raises(PaymentLimitOutOfRange):
        propose_limit(kind=kind, amount_sats=amount_sats, reason="for this test", proposer=finance, now=NOW)


@pytest.mark.parametrize("subject_id", ["", "x", "999999"])
def test_limit_request_that_is_missing_is_refused(subject_id: str) -> None:
    with pytest.raises(PaymentLimitRequestMissing):
        describe_limit(subject_id)
