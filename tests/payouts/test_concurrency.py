"""Concurrent calls on MariaDB, a connection per caller: one payout, one readiness, one index."""

import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from payouts.errors import CycleAlreadyPaid, CycleIndexTaken, DestinationLocked
from payouts.models import Contribution, Cycle
from payouts.services.cycles import create_cycle, record_ready_cycles, set_destination
from payouts.services.payouts import cancel_payout
from payouts.services.withdrawals import open_withdrawal_link, revoke_withdrawal_link, take_withdrawals
from sunusav.core.errors import DomainError
from sunusav.core.models import TrailEntry
from sunusav.core.roles import Role
from tests.factories.payouts import (
    ACTOR,
    NOW,
    make_cycle,
    make_group,
    make_payable_cycle,
    make_ready_cycle,
    pay_contributions,
    process,
)
from tests.factories.users import make_user
from tests.fakes.rail import FakeInvoice, ScriptedRail, invoice
from tests.support.at_once import at_once
from transfers.engine.runner import run_due
from transfers.errors import WithdrawalLinkClosed, WithdrawalRedeemedOtherwise
from transfers.models import Attempt, Collection, Disbursement, WithdrawalLink
from transfers.rails import rail
from transfers.services.withdrawals import redeem_withdrawal
from transfers.types import Instruction, Unknown

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


def test_sixteen_process_calls_for_one_cycle_make_one_payout_paid_once(node: ScriptedRail) -> None:
    cycle = make_payable_cycle(make_group(members=2), contribution_sats=50_000)

    answers = at_once([lambda: process(cycle)] * 16)

    assert len(set(answers)) == 1
    assert [row.pk for row in Disbursement.objects.all()] == [answers[0]]
    at_once([lambda: run_due(slots=1, clock=lambda: NOW)] * 4)
    assert list(node.paid.values()) == [99_000_000]
    assert Attempt.objects.count() == 1


def test_cycle_whose_contribution_was_undone_while_it_waited_for_the_lock_is_not_ready() -> None:
    cycle = make_cycle(make_group(members=2))
    pay_contributions(cycle)
    made_ready: list[int] = []

    def check() -> None:
        try:
            made_ready.append(record_ready_cycles(now=NOW))
        finally:
            connection.close()

    with transaction.atomic():
        Cycle.objects.select_for_update().get(pk=cycle.pk)
        waiting = threading.Thread(target=check)
        waiting.start()
        waiting.join(1)
        assert waiting.is_alive()
        undone = Collection.objects.order_by("pk").first()
        assert undone is not None
        Collection.objects.filter(pk=undone.pk).update(state="expired")
    waiting.join()

    cycle.refresh_from_db()
    assert (made_ready, cycle.state) == ([0], "collecting")


def test_eight_wallets_with_eight_invoices_for_one_link_are_paid_once(node: ScriptedRail) -> None:
    cycle = make_ready_cycle(make_group(members=2), contribution_sats=50_000)
    secret = open_withdrawal_link(cycle_id=cycle.pk, actor=ACTOR, now=NOW).secret
    invoices = [invoice(f"wallet-{number}", 99_000) for number in range(8)]

    def scan(number: int) -> Callable[[], None]:
        given = invoices[number]
        return partial(redeem_withdrawal, secret=secret, kind=given.kind, value=given.value, now=NOW)

    answers = at_once([scan(number) for number in range(8)])

    assert answers.count(None) == 1
    assert sum(isinstance(answer, WithdrawalRedeemedOtherwise) for answer in answers) == 7
    winner = invoices[answers.index(None)]
    assert sum(at_once([lambda: take_withdrawals(now=NOW)] * 4)) == 1
    at_once([lambda: run_due(slots=1, clock=lambda: NOW)] * 4)
    assert node.paid == {FakeInvoice.read(winner.value).payment_hash: 99_000_000}
    assert Attempt.objects.count() == 1


def test_redeem_and_revoke_at_once_end_as_one_of_them() -> None:
    given = invoice("awa", 99_000)
    for _ in range(5):
        cycle = make_ready_cycle(make_group(members=2), contribution_sats=50_000)
        secret = open_withdrawal_link(cycle_id=cycle.pk, actor=ACTOR, now=NOW).secret
        redeem = partial(redeem_withdrawal, secret=secret, kind=given.kind, value=given.value, now=NOW)
        revoke = partial(revoke_withdrawal_link, cycle_id=cycle.pk, actor=ACTOR, now=NOW)
        answers = at_once([redeem, revoke])
        assert sum(isinstance(answer, WithdrawalLinkClosed) for answer in answers) == 1
        wins = "redeemed" if answers[0] is None else "revoked"
        assert WithdrawalLink.objects.latest("id").state == wins


def test_concurrent_readiness_marks_a_cycle_once() -> None:
    cycle = make_cycle(make_group(members=2))
    pay_contributions(cycle)
    contribution = Contribution.objects.filter(cycle=cycle).first()
    assert contribution is not None

    one = [lambda: record_ready_cycles(now=NOW, contribution_id=contribution.pk)] * 4
    every = [lambda: record_ready_cycles(now=NOW)] * 4

    assert sum(at_once([*one, *every])) == 1
    assert TrailEntry.objects.filter(subject=f"cycle:{cycle.pk}", action="complete").count() == 1


def test_concurrent_cycles_with_one_index_make_one(node: ScriptedRail) -> None:
    group = make_group(members=2)

    def create(number: int) -> Callable[[], None]:
        return lambda: create_cycle(
            cycle_id=f"c-{number}", group_id=group.pk, cycle_index=1, contribution_sats=10,
            winner_user_id="user-0", actor=ACTOR, now=NOW,
        )  # fmt: skip

    answers = at_once([create(number) for number in range(6)])

    assert answers.count(None) == 1
    assert sum(isinstance(answer, CycleIndexTaken) for answer in answers) == 5
    assert Cycle.objects.count() == 1
    assert Contribution.objects.count() == 2


def test_process_cancel_and_redirect_at_once_never_pay_twice(node: ScriptedRail) -> None:
    user = make_user(Role.FINANCE)
    for number in range(5):
        cycle = make_payable_cycle(make_group(members=2), contribution_sats=50_000)
        payout_id = process(cycle)
        other = invoice(f"other-{number}", 99_000)
        cancel = partial(cancel_payout, payout_id=payout_id, user=user, reason="at once", now=NOW)
        redirect = partial(set_destination, cycle_id=cycle.pk, destination=other, actor=ACTOR, now=NOW)
        work = partial(run_due, slots=1, clock=lambda: NOW)
        at_once([cancel, redirect, work, partial(process, cycle)])
        work()
        paid = Attempt.objects.filter(state="succeeded", disbursement__subject=f"cycle:{cycle.pk}")
        assert paid.count() <= 1

    assert sum(node.paid.values()) == 99_000_000 * Attempt.objects.filter(state="succeeded").count()
    assert all(amount == 99_000_000 for amount in node.paid.values())


class InterruptedRail(ScriptedRail):
    """A rail that runs another call, on another connection, inside its next check."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], Any] | None = None

    def check(self, instruction: Instruction, *, now: datetime) -> str:
        act, self.meanwhile = self.meanwhile, None
        if act is not None:
            at_once([act])
        return super().check(instruction, now=now)


@pytest.mark.parametrize(
    ("outcome", "refusal"),
    [(Unknown(seen=True, reason="in flight"), DestinationLocked), (None, CycleAlreadyPaid)],
)
def test_set_destination_while_a_worker_takes_the_payout_is_refused_by_the_documented_name(
    settings: Settings, outcome: Unknown | None, refusal: type[DomainError]
) -> None:
    settings.RAILS = {"lightning": f"{__name__}.InterruptedRail"}
    rail.cache_clear()
    cycle = make_payable_cycle(make_group(members=2), net_sats=19_800)
    payout_id = process(cycle)
    node = rail("lightning")
    assert isinstance(node, InterruptedRail)
    node.script.extend([outcome] if outcome else [])
    node.meanwhile = partial(run_due, slots=1, clock=lambda: NOW)

    with pytest.raises(refusal) as refused:
        set_destination(cycle_id=cycle.pk, destination=invoice("other", 19_800), actor=ACTOR, now=NOW)

    assert refused.value.facts["payout_id"] == payout_id
    assert Cycle.objects.get().sealed_destination == cycle.sealed_destination
