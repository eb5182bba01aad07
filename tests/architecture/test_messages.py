"""Every message to the platform is queued once here, and has exactly the fields of the committed table."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils.timezone import now as wall_clock
from pytest_django import Settings

from fees.queries import forget_schedules
from payouts.models import Cycle
from payouts.services.cycles import set_destination
from payouts.services.endings import cancel_cycle
from payouts.services.reopening import propose_reopening
from payouts.services.winners import exchange_winner
from payouts.services.withdrawals import open_withdrawal_link, take_withdrawals
from sunusav.core import clock
from sunusav.core.approvals import approve
from sunusav.core.roles import Role
from tests.architecture.answer_fields import MESSAGES
from tests.factories.payouts import (
    ACTOR,
    NOW,
    make_cycle,
    make_group,
    make_payable_cycle,
    make_ready_cycle,
    process,
    verify,
)
from tests.factories.users import make_user
from tests.fakes.rail import invoice
from tests.support.messages import queued_fields
from tests.transfers.builders import ordered
from tests.transfers.rails import SteeredRail, Watch
from tests.transfers.switching import switched_off, switched_on
from transfers.collectors import collector
from transfers.engine.runner import run_due
from transfers.enums import FailureClass
from transfers.models import Attempt
from transfers.rails import rail
from transfers.services.disbursements import cancel_disbursement
from transfers.services.reversals import book_provider_reversal
from transfers.services.withdrawals import redeem_withdrawal
from transfers.types import Refused, Reversed

pytestmark = pytest.mark.django_db


@pytest.fixture
def node(settings: Settings) -> Iterator[SteeredRail]:
    settings.PLATFORM_WEBHOOK_URL = "https://platform.example/hooks"
    settings.RAILS = {"lightning": "tests.transfers.rails.SteeredRail"}
    settings.COLLECTORS = {"lightning": "tests.fakes.collector.ScriptedCollector"}
    for forget in (rail.cache_clear, collector.cache_clear, forget_schedules):
        forget()
    found = rail("lightning")
    assert isinstance(found, SteeredRail)
    yield found
    for forget in (rail.cache_clear, collector.cache_clear, forget_schedules):
        forget()


def payable() -> Cycle:
    return make_payable_cycle(make_group(members=2), net_sats=19_800)


def ended(node: SteeredRail) -> None:
    """End payouts in every way: paid, failed, under review, cancelled."""
    for failure in (None, FailureClass.FINAL, FailureClass.REVIEW):
        node.script.extend([Refused(reason="odd", failure=failure)] if failure else [])
        process(payable())
        run_due(slots=1, clock=wall_clock)
    cancel_disbursement(disbursement_id=process(payable()), actor=ACTOR, reason="called off", now=NOW)


def deferred() -> None:
    """Have a payout wait because its destination was another payee's."""
    cycle = payable()
    other = invoice("other@another-node", 19_800)
    set_destination(cycle_id=cycle.pk, destination=other, actor=ACTOR, now=clock.now())
    process(cycle)
    run_due(slots=1, clock=wall_clock)


def reversed_and_reopened() -> None:
    """Have a paid payout's money come back, and let two people reopen its cycle."""
    cycle = payable()
    payout_id = process(cycle)
    run_due(slots=1, clock=wall_clock)
    attempt = Attempt.objects.get(disbursement_id=payout_id)
    found = Reversed("reversal-1", attempt.order.money(attempt.order.amount), NOW)
    assert book_provider_reversal(attempt.pk, found, now=NOW)
    proposer, approver = make_user(Role.FINANCE), make_user(Role.APPROVER)
    proposal = propose_reopening(cycle_id=cycle.pk, reason="another wallet", proposer=proposer, now=NOW)
    approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=NOW)


def link_refused() -> None:
    """Redeem a link with an invoice for a net that has changed since."""
    group = make_group(members=2)
    cycle = make_ready_cycle(group)
    opened = open_withdrawal_link(cycle_id=cycle.pk, actor=ACTOR, now=NOW)
    given = invoice("wallet", 19_800)
    redeem_withdrawal(secret=opened.secret, kind=given.kind, value=given.value, now=NOW)
    verify(group)
    take_withdrawals(now=NOW)


def ended_early() -> None:
    """Exchange the turn of a cycle and cancel it."""
    cycle = make_cycle(make_group(members=2))
    exchange_winner(cycle_id=cycle.pk, winner_user_id="user-1", reason="agreed", actor=ACTOR, now=NOW)
    cancel_cycle(cycle_id=cycle.pk, reason="dissolved", actor=ACTOR, now=NOW)


def rail_stopped_and_resumed(node: SteeredRail) -> None:
    """Have ten payments fail for the rail, then let it work again."""
    for number in range(12):
        ordered(f"winner-{number}", at=clock.now())
    node.script.extend([Refused(reason="no-route", failure=FailureClass.RETRY)] * 10)
    run_for(timedelta(minutes=30))


def provider_switched_off_and_on() -> None:
    watch = Watch(clock.now())
    switched_off(watch)
    switched_on(watch)


def run_for(length: timedelta) -> None:
    """Let a worker run every minute."""
    begun = clock.now()
    for minute in range(0, int(length.total_seconds()), 60):
        run_due(slots=1, clock=lambda minute=minute: begun + timedelta(seconds=minute))  # type: ignore[misc]


def test_every_message_has_the_fields_of_the_table(node: SteeredRail) -> None:
    ended(node)
    reversed_and_reopened()
    deferred()
    link_refused()
    ended_early()
    rail_stopped_and_resumed(node)
    provider_switched_off_and_on()

    assert queued_fields() == {topic: {fields} for topic, fields in MESSAGES.items()}
