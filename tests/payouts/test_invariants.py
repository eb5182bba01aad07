"""The audit of cycles and pots reports nothing on a correct history and names each corruption."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from ledger.enums import AccountRole, Currency
from ledger.services import post
from ledger.types import AccountRef, Line
from payouts.calculations import pot_of
from payouts.invariants import INVARIANTS
from payouts.models import Contribution, Cycle
from sunusav.core import clock
from sunusav.core.auditing import AuditScope, Breach
from tests.factories.payouts import (
    NOW,
    make_cycle,
    make_group,
    make_payable_cycle,
    make_ready_cycle,
    pay_contribution,
    process,
)
from tests.fakes.rail import ScriptedRail
from transfers.engine.runner import run_due
from transfers.models import Collection
from transfers.types import Unknown

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
BANK = AccountRef(AccountRole.BANK, Currency.MSAT)


def _breaches(scope: AuditScope | None = None) -> list[tuple[str, str, str]]:
    return [(b.invariant, b.subject, b.detail) for b in _found(scope or AuditScope(now=NOW))]


def _found(scope: AuditScope) -> Iterator[Breach]:
    for rule in INVARIANTS:
        yield from rule.find(scope)


def _move(cycle: Cycle, amount_msat: int) -> None:
    lines = [Line(pot_of(cycle.pk), amount_msat), Line(BANK, -amount_msat)]
    post(kind="corruption", reference=f"by-hand:{amount_msat}", lines=lines, at=NOW, subject="by-hand")


def test_audit_of_every_stage_of_a_cycle_finds_nothing(node: ScriptedRail) -> None:
    group = make_group(members=2)
    make_cycle(group)
    partly = make_cycle(group)
    pay_contribution(partly, "user-0")
    pay_contribution(partly, "user-1", received_msat=5_000_000)
    overpaid = make_cycle(group)
    pay_contribution(overpaid, "user-0", received_msat=99_000_000)
    make_ready_cycle(group)
    paid, in_flight = make_payable_cycle(group, net_sats=19_800), make_payable_cycle(group, net_sats=19_800)
    process(paid)
    run_due(slots=1, clock=lambda: NOW)
    node.script.append(Unknown(seen=True, reason="in flight"))
    process(in_flight)
    run_due(slots=1, clock=lambda: NOW)

    assert _breaches() == []
    assert _breaches(AuditScope(now=NOW, since=NOW - timedelta(hours=2))) == []


def test_audit_finds_a_missing_contribution() -> None:
    cycle = make_cycle(make_group(members=2))
    Contribution.objects.filter(user_id="user-1").delete()

    assert _breaches() == [("I05", f"cycle:{cycle.pk}", "1 contributions for 2 members, 0 of another amount")]


def test_audit_finds_a_contribution_of_another_amount() -> None:
    cycle = make_cycle(make_group(members=2))
    Contribution.objects.filter(user_id="user-1").update(amount_sats=9_999)

    assert _breaches() == [("I05", f"cycle:{cycle.pk}", "2 contributions for 2 members, 1 of another amount")]


def test_audit_finds_a_cycle_made_ready_too_early() -> None:
    cycle = make_cycle(make_group(members=2))
    pay_contribution(cycle, "user-0")
    Cycle.objects.filter(pk=cycle.pk).update(state="ready", ready_at=NOW, settled_count=2)

    assert _breaches() == [("I05", f"cycle:{cycle.pk}", "ready with 1 of 2 contributions settled")]


def test_audit_finds_a_cycle_paid_while_collecting() -> None:
    cycle = make_payable_cycle(make_group(members=2), net_sats=19_800)
    process(cycle)
    run_due(slots=1, clock=lambda: NOW)
    Cycle.objects.filter(pk=cycle.pk).update(state="collecting", ready_at=None, settled_count=None)

    assert _breaches() == [("I05", f"cycle:{cycle.pk}", "paid out while collecting")]


def test_audit_finds_money_taken_from_a_pot() -> None:
    cycle = make_ready_cycle(make_group(members=2))
    _move(cycle, 1)

    expected = ("I05", f"cycle:{cycle.pk}", "the pot holds 19999999 msat, its movements sum to 20000000")
    assert _breaches() == [expected]
    assert _breaches(AuditScope(now=NOW + timedelta(days=9), since=NOW + timedelta(days=8))) == [expected]


def test_fast_audit_finds_the_emptied_pot_of_an_old_cycle() -> None:
    """The cycle was ready long before the window; its pot was emptied in it, so that nothing is left to see."""
    cycle = make_ready_cycle(make_group(members=2))
    Cycle.objects.filter(pk=cycle.pk).update(created_at=NOW - DAY, ready_at=NOW - DAY)
    _move(cycle, 20_000_000)
    emptied = ("I05", f"cycle:{cycle.pk}", "the pot holds 0 msat, its movements sum to 20000000")

    assert _breaches() == [emptied]
    assert _breaches(AuditScope(now=NOW, since=clock.now() - timedelta(hours=1))) == [emptied]
    assert _breaches(AuditScope(now=NOW, since=clock.now() + timedelta(hours=1))) == []


def test_audit_finds_a_pot_below_zero_or_above_its_total() -> None:
    group = make_group(members=2)
    below, above = make_cycle(group, cycle_id="a"), make_ready_cycle(group, cycle_id="b")
    _move(below, 5)
    _move(above, -7)

    assert [breach for breach in _breaches() if breach[0] == "I11"] == [
        ("I11", "cycle:a", "the pot holds -5 msat"),
        ("I11", "cycle:b", "the pot holds 20000007 msat"),
    ]


def test_audit_finds_a_contribution_whose_settlement_was_undone() -> None:
    cycle = make_ready_cycle(make_group(members=2))
    settled = Collection.objects.filter(state="settled").first()
    assert settled is not None
    Collection.objects.filter(pk=settled.pk).update(state="expired")

    assert [subject for _, subject, _ in _breaches()] == [f"cycle:{cycle.pk}"] * 2


def test_audit_finds_a_pot_without_a_cycle() -> None:
    _move(Cycle(pk="nowhere"), -10)

    assert _breaches() == [("I05", "cycle:nowhere", "there is a pot, but no such cycle")]


def test_fast_audit_reports_the_pot_of_a_recent_cycle_once() -> None:
    cycle = make_ready_cycle(make_group(members=2))
    _move(cycle, 1)

    found = _breaches(AuditScope(now=NOW, since=NOW - timedelta(hours=2)))

    assert found == [
        ("I05", f"cycle:{cycle.pk}", "the pot holds 19999999 msat, its movements sum to 20000000")
    ]
