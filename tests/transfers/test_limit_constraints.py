"""What the database itself refuses of limits, usage and breakers: each constraint, violated by hand."""

from typing import Any

import pytest
from django.db import DatabaseError, transaction

from sunusav.core.roles import Role
from tests.factories.limits import set_limit_to
from tests.factories.users import make_user
from tests.transfers.builders import NOW, ordered
from tests.transfers.test_constraints import copy_of, force, refuses
from tests.transfers.unchanged import unchanged
from transfers.models import (
    Disbursement,
    LimitUsage,
    PastAdmission,
    PaymentLimit,
    PaymentLimitRequest,
    RailBreaker,
)

pytestmark = pytest.mark.django_db


def test_past_admission_is_stored_once_and_append_only() -> None:
    row = PastAdmission.objects.create(disbursement_id=ordered(), admitted_at=NOW, by_version=1)
    with refuses("pastadmission_once_per_moment", column="admitted_at"):
        PastAdmission.objects.create(disbursement_id=row.disbursement_id, admitted_at=NOW)
    with unchanged(), pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        PastAdmission.objects.update(by_version=2)
    with unchanged(), pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        PastAdmission.objects.all().delete()


@pytest.fixture
def second() -> PaymentLimit:
    """Return a limit that two people set."""
    set_limit_to("per_payout", 5, now=NOW)
    return PaymentLimit.objects.get(kind="per_payout", version=2)


def test_version_of_a_limit_exists_once(second: PaymentLimit) -> None:
    with refuses("paymentlimit_version_once_per_kind", column="version"):
        PaymentLimit.objects.create(kind="total_hour", version=1, amount_sats=1, set_at=NOW)


@pytest.mark.parametrize(
    ("kind", "amount_sats"), [("per_payout", 0), ("total_hour", -1), ("replaced_destination", -1)]
)
def test_limit_is_an_amount(kind: str, amount_sats: int) -> None:
    set_limit_to("per_payout", 5, now=NOW)
    row = PaymentLimit.objects.get(kind="per_payout", version=2)
    with refuses("paymentlimit_amount_in_range"):
        copy_of(row, version=9, kind=kind, amount_sats=amount_sats, request_id=None, proposal_id=None).save()


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 3, "request_id": None, "proposal_id": None, "proposer_id": None, "approver_id": None},
        {"version": 3, "same": True},
    ],
)
def test_limit_after_the_first_is_set_by_two_people(second: PaymentLimit, changes: dict[str, Any]) -> None:
    if changes.pop("same", False):
        changes["approver_id"] = second.proposer_id
    PaymentLimitRequest.objects.create(
        kind="per_payout", amount_sats=1, reason="x", requested_by=make_user(Role.FINANCE), requested_at=NOW
    )
    row = copy_of(second, **changes)
    if row.request_id is not None:
        row.request_id = PaymentLimitRequest.objects.latest("pk").pk
        row.proposal_id = _another_proposal(second)
    with refuses("paymentlimit_set_by_two_people"):
        row.save()


def _another_proposal(limit: PaymentLimit) -> int:
    proposal = limit.proposal
    assert proposal is not None
    proposal.pk, proposal.subject_id = None, "another"
    proposal.save(force_insert=True)
    return int(proposal.pk)


def test_first_limit_names_nobody(second: PaymentLimit) -> None:
    with refuses("paymentlimit_set_by_two_people"):
        copy_of(second, version=1, kind="new", request_id=None, proposal_id=None, approver_id=None).save()


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("paymentlimitrequest_amount_in_range", {"amount_sats": 0}),
        ("paymentlimitrequest_has_reason", {"reason": ""}),
    ],
)
def test_request_of_a_limit_is_whole(constraint: str, changes: dict[str, Any]) -> None:
    facts = {"kind": "per_payout", "amount_sats": 1, "reason": "x", **changes}
    finance = make_user(Role.FINANCE)
    with refuses(constraint):
        PaymentLimitRequest.objects.create(requested_by=finance, requested_at=NOW, **facts)


@pytest.mark.parametrize("model", [PaymentLimit, PaymentLimitRequest])
def test_limits_and_requests_are_append_only(second: PaymentLimit, model: Any) -> None:
    row = model.objects.latest("pk")
    with unchanged(), pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        force(model, row.pk, amount_sats=7)
    with unchanged(), pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        model._base_manager.filter(pk=row.pk)._raw_delete("default")


def test_usage_has_one_row_per_key() -> None:
    LimitUsage.objects.create(kind="total_hour", key="2026-03-04T10:00", used_msat=1)
    with refuses("limitusage_one_row_per_key", column="key"):
        LimitUsage.objects.create(kind="total_hour", key="2026-03-04T10:00", used_msat=1)


def test_usage_is_positive() -> None:
    with refuses("limitusage_is_positive"):
        LimitUsage.objects.create(kind="total_hour", key="2026-03-04T10:00", used_msat=0)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "open"},
        {"state": "half_open", "retry_at": NOW},
        {"state": "closed", "retry_at": NOW},
        {"state": "closed", "probe_id": 1},
        {"state": "open", "retry_at": NOW, "probe_id": 1},
        {"state": "ajar", "retry_at": NOW, "probe_id": 1},
    ],
)
def test_stopped_rail_is_tried_again(changes: dict[str, Any]) -> None:
    with refuses("railbreaker_stopped_is_tried_again"):
        RailBreaker.objects.create(rail="lightning", changed_at=NOW, **changes)


def test_admitted_payment_has_its_net() -> None:
    waiting = ordered(scheduled_at=NOW.replace(hour=23))
    with refuses("disbursement_admitted_with_its_net"):
        force(Disbursement, waiting, admitted_at=NOW)
    with refuses("disbursement_admitted_with_its_net"):
        force(Disbursement, waiting, admitted_by_version=1)
