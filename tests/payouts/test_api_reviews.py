"""The API reports of a payout under review what it waits for."""

from datetime import timedelta

import pytest
from django.utils.timezone import now as wall_clock
from rest_framework.test import APIClient

from sunusav.core.roles import Role
from tests.factories.payouts import make_group, make_payable_cycle
from tests.factories.users import client_in
from tests.fakes.rail import ScriptedRail
from transfers.engine.runner import run_due
from transfers.enums import FailureClass
from transfers.types import Refused, Unknown

pytestmark = pytest.mark.django_db
ROOT = "/monetization/payouts"

VANISHED = (
    "The payment was on its way. Now our node no longer knows it, or another node answers in its place. It may have"
    " been paid all the same. Nothing more is sent. It waits until the provider reports the outcome, or until two"
    " people have decided it."
)
REFUSED = "It was not paid (no such reason). Nothing is under way. It waits for a person to retry it or to cancel it."


def _reviewed(node: ScriptedRail, answer: Unknown | Refused) -> APIClient:
    platform = client_in(Role.PLATFORM)
    cycle = make_payable_cycle(make_group(members=2), cycle_id="cycle-9", net_sats=19_800)
    node.script.append(answer)
    platform.post(f"{ROOT}/process", {"cycle_id": cycle.pk, "group_verified": False, "user_recurring": False})
    run_due(slots=1, clock=wall_clock)
    run_due(slots=1, clock=lambda: wall_clock() + timedelta(minutes=1))
    return platform


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        (Unknown(seen=True, reason="in-flight"), "payment-vanished", VANISHED),
        (Refused("no-such-reason", FailureClass.REVIEW), "no-such-reason", REFUSED),
    ],
    ids=["vanished", "refused"],
)
def test_payout_under_review_answers_the_next_step(
    node: ScriptedRail, answer: Unknown | Refused, code: str, message: str
) -> None:
    platform = _reviewed(node, answer)

    status = platform.get(f"{ROOT}/status/cycle-9").json()
    payout = platform.get(f"{ROOT}/{status['payout_id']}").json()

    assert (status["payout_status"], status["error_message"]) == ("needs_review", message)
    assert (payout["status"], payout["error_code"], payout["error_message"]) == (
        "needs_review",
        code,
        message,
    )
