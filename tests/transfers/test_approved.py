"""What was approved is what is paid: payee, amounts and destinations of an approved payment never change."""

from dataclasses import replace
from typing import Any

import pytest

from sunusav.core.privacy import seal
from tests.transfers.builders import BY, NOW, fund, ordered, replace_destination, request_for, row_of, run
from tests.transfers.rails import SteeredRail, Watch, invoice_for
from tests.transfers.unchanged import unchanged
from transfers.errors import ApprovalDiffers, DestinationApproved
from transfers.models import Disbursement, DisbursementDestination
from transfers.services.destinations import request_digest
from transfers.services.disbursements import request_disbursement
from transfers.types import Choice, DisbursementRequest

pytestmark = pytest.mark.django_db


def approved(name: str = "awa", **changes: Any) -> DisbursementRequest:
    """Return a request that carries the digest of what two people approved."""
    request = request_for(name, priced_for=None, destination=invoice_for(name, 100_000), **changes)
    return replace(request, approved_digest=request_digest(request))


def request(wanted: DisbursementRequest) -> int:
    fund(wanted.subject, wanted.payout_msat // 1_000)
    return request_disbursement(request=wanted, actor=BY, now=NOW)


def test_approved_payment_is_paid(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = request(approved())
    run(watch)
    assert row_of(disbursement_id).state == "completed"


@pytest.mark.parametrize(
    "changes",
    [
        {"payout_msat": 99_999_000},
        {"payee_ref": "user:binta"},
        {"pay_xof": 1},
        {"choices": (Choice(invoice_for("binta", 100_000)),)},
        {"choices": (Choice(invoice_for("awa", 100_000)), Choice(invoice_for("binta", 100_000)))},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_request_that_differs_from_what_was_approved_is_refused(changes: dict[str, Any]) -> None:
    wanted = replace(approved(), **changes)
    fund("cycle:awa")
    with unchanged(), pytest.raises(ApprovalDiffers):
        request_disbursement(request=wanted, actor=BY, now=NOW)


def test_destination_of_an_approved_payment_is_not_replaced(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = request(approved())
    with unchanged(), pytest.raises(DestinationApproved):
        replace_destination(
            disbursement_id=disbursement_id, destination=invoice_for("binta", 100_000), actor=BY, now=NOW
        )


@pytest.mark.parametrize(
    "change",
    [
        lambda: Disbursement.objects.update(payee_ref="user:binta"),
        lambda: Disbursement.objects.update(payout_msat=99_999_000, net_msat=99_999_000),
        lambda: DisbursementDestination.objects.update(
            sealed_value=seal("cycle:awa", invoice_for("binta", 100_000).value)
        ),
    ],
    ids=["payee", "amount", "destination"],
)
def test_payment_that_was_changed_behind_the_system_waits_for_a_person(
    node: SteeredRail, watch: Watch, change: Any
) -> None:
    """Nothing leaves: the engine compares the digest when it opens an attempt."""
    disbursement_id = request(approved())
    change()
    run(watch)
    row = row_of(disbursement_id)
    assert row.state in ("needs_review", "failed")
    assert (node.sends, node.paid) == (0, {})


def test_payment_without_an_approval_may_be_redirected(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered("awa")
    replace_destination(
        disbursement_id=disbursement_id, destination=invoice_for("binta", 99_000), actor=BY, now=NOW
    )
    run(watch)
    assert row_of(disbursement_id).state == "completed"
