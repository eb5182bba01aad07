"""A winner with two choices: Lightning first and the partner second, and the other way round. One is paid, once."""

from __future__ import annotations

import pytest

from ledger.queries import owed
from tests.partners.harness import Harness
from tests.partners.journeys.world import CREDIT, World
from tests.transfers.rails import SteeredRail, invoice_for
from transfers.booking import IN_TRANSIT
from transfers.enums import FailureClass
from transfers.types import Refused

pytestmark = pytest.mark.django_db

SATS, PAY_XOF, CREDIT_MSAT = 12_299, 983, 11_500
FINAL = Refused("incorrect-payment-details", FailureClass.FINAL)


def test_partner_pays_what_lightning_finally_refused(
    world: World, partner: Harness, node: SteeredRail
) -> None:
    node.script.append(FINAL)
    world.order(SATS, choices=[invoice_for("awa", SATS), world.to_phone()])

    assert world.finish() == "completed"

    assert node.paid == {}
    assert partner.paid() == world.paid_once(PAY_XOF)
    world.require_booked(pay_xof=PAY_XOF, credit_msat=CREDIT_MSAT)
    assert world.breaches() == []


def test_lightning_pays_what_the_partner_finally_refused(
    world: World, partner: Harness, node: SteeredRail
) -> None:
    """The winner gets every sat: nothing is converted, and nothing is left over."""
    partner.refuse_next("recipient")
    world.order(SATS, choices=[world.to_phone(), invoice_for("awa", SATS)])

    if world.finish() == "processing":
        world.pass_days()

    assert world.state == "completed"
    assert list(node.paid.values()) == [SATS * 1_000]
    assert (partner.paid(), owed(CREDIT), owed(IN_TRANSIT)) == ([], 0, 0)
    assert world.breaches() == []


@pytest.mark.parametrize("script", ["lost-after-accept", "hidden", "reset"])
def test_lost_answer_of_the_partner_never_leads_to_the_second_choice(
    world: World, partner: Harness, node: SteeredRail, script: str
) -> None:
    partner.script_payout(script)
    world.order(SATS, choices=[world.to_phone(), invoice_for("awa", SATS)])

    if world.finish() == "processing":
        world.pass_days()

    assert world.state == "completed"
    assert node.paid == {}
    assert partner.paid() == world.paid_once(PAY_XOF)
    assert world.breaches() == []
