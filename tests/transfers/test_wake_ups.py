"""Each fact that another task reads wakes that task once it is committed, so that nobody waits for the next period."""

from collections.abc import Callable

import pytest
from django.db import transaction

from sunusav.core import approvals
from sunusav.core.roles import Role
from tests.factories.limits import set_limit_to
from tests.factories.users import make_user
from tests.support.broker import published
from tests.transfers.builders import BY, NET_SATS, NOW, fund, ordered, request_for, run
from tests.transfers.collecting import opened, received
from tests.transfers.rails import SteeredRail, Watch, invoice_for
from transfers.enums import FailureClass
from transfers.models import Collection
from transfers.services.cancellations import cancel_collection
from transfers.services.disbursements import (
    RUN_DUE_TASK,
    expedite_disbursement,
    request_disbursement,
    retry_disbursement,
)
from transfers.services.limit_waivers import propose_waiver
from transfers.services.reconciliation import query_now
from transfers.services.withdrawals import open_withdrawal, redeem_withdrawal
from transfers.types import Refused, Unknown

pytestmark = pytest.mark.django_db(transaction=True)

Act = Callable[[], object]
RUN_DUE = (RUN_DUE_TASK, list[str]())
READY_CHECK = ("payouts.record_ready_cycles", ["1"])


def receipt(node: SteeredRail) -> Act:
    facts = opened("contribution:1")
    return lambda: received(facts)


def cancelled_request(node: SteeredRail) -> Act:
    facts = opened("contribution:1")
    assert Collection.objects.count() == 1
    return lambda: cancel_collection(collection_id=facts.id, actor=BY, reason="by Wave instead", now=NOW)


def order(node: SteeredRail) -> Act:
    request = request_for()
    fund(request.subject)
    return lambda: request_disbursement(request=request, actor=BY, now=NOW)


def expedited(node: SteeredRail) -> Act:
    disbursement_id = ordered(scheduled_at=Watch(NOW).after(3_600))
    return lambda: expedite_disbursement(disbursement_id=disbursement_id, actor=BY, now=NOW)


def retried(node: SteeredRail) -> Act:
    node.script.append(Refused("incorrect-payment-details", FailureClass.FINAL))
    disbursement_id = ordered()
    run(Watch(NOW))
    return lambda: retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="again", now=NOW)


def asked_about(node: SteeredRail) -> Act:
    node.script.append(Unknown(seen=True, reason="in-flight"))
    disbursement_id = ordered()
    run(Watch(NOW))
    return lambda: query_now(disbursement_id=disbursement_id, actor=BY, now=NOW)


def waived(node: SteeredRail) -> Act:
    set_limit_to("per_payout", NET_SATS - 1, now=NOW)
    disbursement_id = ordered()
    run(Watch(NOW))
    proposal = propose_waiver(
        disbursement_id=disbursement_id, proposer=make_user(Role.FINANCE), reason="known", now=NOW
    )
    approver = make_user(Role.APPROVER)
    return lambda: approvals.approve(
        proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=NOW
    )


def redeemed(node: SteeredRail) -> Act:
    with transaction.atomic():
        link = open_withdrawal(subject="cycle:awa", rail="lightning", amount_sats=NET_SATS, actor=BY, now=NOW)
    value = invoice_for("awa", NET_SATS).value
    return lambda: redeem_withdrawal(secret=link.secret, kind="bolt11", value=value, now=NOW)


@pytest.mark.parametrize(
    ("prepare", "woken"),
    [
        (receipt, READY_CHECK),
        (cancelled_request, READY_CHECK),
        (order, RUN_DUE),
        (expedited, RUN_DUE),
        (retried, RUN_DUE),
        (asked_about, RUN_DUE),
        (waived, RUN_DUE),
        (redeemed, ("payouts.take_withdrawals", ["awa"])),
    ],
)
def test_fact_wakes_the_task_that_reads_it(
    prepare: Callable[[SteeredRail], Act], woken: tuple[str, list[str]], node: SteeredRail
) -> None:
    act = prepare(node)

    with published() as messages:
        act()

    assert messages == [woken]
