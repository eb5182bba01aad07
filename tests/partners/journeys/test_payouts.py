"""Each partner and each script: the right final state and books, and nobody paid twice by the simulator's record."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from sandbox.simulator.script import SCRIPTS
from tests.partners.harness import Harness
from tests.partners.journeys.world import World

pytestmark = pytest.mark.django_db

SATS, PAY_XOF, CREDIT_MSAT = 12_299, 983, 11_500
CONTRADICTS, NEVER_FOUND = "answer-contradicts-records", "never-found"
# Scripts after which the partner did nothing, and says nothing that proves it.
UNPAID = {"timeout-before", "lost-before", "error-before", "html-before", "too-many-requests"}
PAID_OTHERWISE = {"wrong-amount", "wrong-currency"}


@dataclass(frozen=True)
class End:
    state: str
    payments: int
    code: str = ""


COMPLETED = End("completed", 1)


def end_of(script: str, partner: Harness) -> End:
    """Return how a payment ends whose first send a script met, without anybody's help."""
    if script in PAID_OTHERWISE:
        return End("needs_review", 1, CONTRADICTS)
    if script in UNPAID and not partner.traits.is_idempotent:
        return End("needs_review", 0, NEVER_FOUND)
    return COMPLETED


@pytest.mark.parametrize("script", sorted(set(SCRIPTS) - {"pending", "duplicate"}))
def test_payment_ends_as_it_must_whatever_its_first_send_met(
    world: World, partner: Harness, script: str
) -> None:
    end = end_of(script, partner)
    partner.script_payout(script)
    world.order(SATS)

    if world.finish() == "processing" and world.is_switched_off:
        # A key that is refused stops the partner; nothing was paid until two people switched it on again.
        assert partner.paid() == []
        world.switch_on()
        world.finish()
    if world.state == "processing":
        world.pass_days()

    assert (world.state, world.failure_code) == (end.state, end.code)
    assert len(partner.paid()) == end.payments
    if end == COMPLETED:
        assert partner.paid() == world.paid_once(PAY_XOF)
        world.require_booked(pay_xof=PAY_XOF, credit_msat=CREDIT_MSAT)
    assert world.breaches() == []


def test_payment_that_leaves_no_residue(world: World, partner: Harness) -> None:
    """99,500 sats at 8,000,000 are 7,960 XOF exactly."""
    world.order(99_500)
    world.finish()

    assert world.state == "completed"
    assert partner.paid() == world.paid_once(7_960)
    world.require_booked(pay_xof=7_960, credit_msat=0)
    assert world.breaches() == []


def test_pending_payment_is_booked_when_it_is_paid(world: World, partner: Harness) -> None:
    partner.script_payout("pending")
    world.order(SATS)
    assert world.finish(rounds=4) == "processing"
    assert partner.paid() == []

    partner.complete(world.references[-1], is_paid=True)

    assert world.finish() == "completed"
    assert partner.paid() == world.paid_once(PAY_XOF)
    world.require_booked(pay_xof=PAY_XOF, credit_msat=CREDIT_MSAT)
    assert world.breaches() == []


def test_pending_payment_that_fails_is_not_booked(world: World, partner: Harness) -> None:
    partner.script_payout("pending")
    world.order(SATS)
    world.finish(rounds=2)

    partner.complete(world.references[-1], is_paid=False)
    world.finish()

    assert world.state in {"failed", "needs_review"}
    assert partner.paid() == []
    assert world.breaches() == []


@pytest.mark.parametrize(("kind", "state"), [("recipient", "failed"), ("float", "completed")])
def test_refused_payment_is_paid_by_another_order_or_not_at_all(
    world: World, partner: Harness, kind: str, state: str
) -> None:
    """The recipient's own reason is final; a float that was short is full a minute later."""
    partner.refuse_next(kind)
    world.order(SATS)

    if world.finish() == "processing":
        world.pass_days()

    assert world.state == state
    assert partner.paid() == ([] if state == "failed" else world.paid_once(PAY_XOF))
    assert world.breaches() == []


def test_payment_that_was_never_found_is_paid_anew_once_two_people_found_it_unpaid(
    world: World, partner: Harness
) -> None:
    if partner.traits.is_idempotent:
        pytest.skip("the same order is sent again: nobody is asked")
    partner.script_payout("lost-before")
    world.order(SATS)
    world.finish()
    world.pass_days()
    assert (world.state, world.failure_code, partner.paid()) == ("needs_review", NEVER_FOUND, [])

    world.resolve_as_unpaid()
    world.finish()

    assert world.state == "completed"
    assert len(world.references) == 2
    assert partner.paid() == world.paid_once(PAY_XOF)
    world.require_booked(pay_xof=PAY_XOF, credit_msat=CREDIT_MSAT)
    assert world.breaches() == []


def test_payment_at_a_partner_that_is_not_there_waits_and_then_goes(world: World, partner: Harness) -> None:
    world.order(SATS)
    partner.kill()
    try:
        world.run()
        assert (world.state, world.failure_code) == ("processing", "rail-unavailable")
    finally:
        partner.start()
    world.advance(15)

    assert world.finish() == "completed"
    assert partner.paid() == world.paid_once(PAY_XOF)


def test_refused_credentials_pay_nothing_and_use_up_no_retry(world: World, partner: Harness) -> None:
    """A key or PIN that is refused stops the partner at once."""
    partner.refuse_next("credentials")
    world.order(SATS)
    world.finish(rounds=2)

    assert (world.state, world.retries, world.is_switched_off) == ("processing", 0, True)
    assert partner.paid() == []
    assert world.breaches() == []
