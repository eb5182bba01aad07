"""Whatever is changed behind the system's back in an ended cycle, its returns or members' credit is found by name."""

from datetime import timedelta

import pytest

from ledger.enums import AccountRole, Currency
from ledger.services import post
from ledger.types import AccountRef, Line
from payouts.calculations import contribution_subject
from payouts.invariants import INVARIANTS
from payouts.models import Contribution, Cycle
from payouts.services.contributions import open_contribution
from payouts.services.endings import cancel_cycle, close_cycle_short
from sunusav.core.auditing import AuditScope
from tests.factories.payouts import ACTOR, NOW, make_cycle, make_group, pay_contribution
from transfers.models import CreditUse
from transfers.services.credit import return_credit
from transfers.types import credit_of

pytestmark = pytest.mark.django_db

BANK = AccountRef(AccountRole.BANK, Currency.MSAT)
Found = set[tuple[str, str]]


def found(scope: AuditScope) -> Found:
    return {(breach.invariant, breach.subject) for rule in INVARIANTS for breach in rule.find(scope)}


def audited() -> Found:
    """Return what the full audit finds; the fast one over the same hours must find it too."""
    full = found(AuditScope(now=NOW))
    assert found(AuditScope(now=NOW, since=NOW - timedelta(hours=2))) == full
    return full


@pytest.fixture
def history() -> tuple[Cycle, Cycle, Contribution]:
    """Return a cancelled cycle, one closed short, and a contribution that credit pays in part."""
    group = make_group(members=3)
    cancelled, short, collecting = (make_cycle(group) for _ in range(3))
    for user_id in ("user-0", "user-1"):
        pay_contribution(cancelled, user_id)
        pay_contribution(short, user_id)
    cancel_cycle(cycle_id=cancelled.pk, reason="dissolved", actor=ACTOR, now=NOW)
    close_cycle_short(cycle_id=short.pk, reason="one left", actor=ACTOR, now=NOW)
    larger = make_cycle(group, contribution_sats=12_000)
    owed = open_contribution(cycle_id=larger.pk, user_id="user-0", method="lightning", actor=ACTOR, now=NOW)
    assert owed.credit_used_sats == 10_000
    assert collecting.state == "collecting"
    assert audited() == set()
    return cancelled, short, Contribution.objects.get(pk=owed.id)


History = tuple[Cycle, Cycle, Contribution]


def test_audit_finds_a_return_that_no_contribution_has(history: History) -> None:
    cancelled, _, _ = history
    row = Contribution.objects.get(cycle=cancelled, user_id="user-0")
    orphan = row.return_transaction_id
    Contribution.objects.filter(pk=row.pk).update(return_transaction=None)
    assert audited() == {("I05", f"cycle:{cancelled.pk}"), ("I08", f"journal:{orphan}")}


def test_audit_finds_a_return_of_another_amount(history: History) -> None:
    cancelled, _, _ = history
    row = Contribution.objects.get(cycle=cancelled, user_id="user-0")
    Contribution.objects.filter(pk=row.pk).update(amount_sats=9_999)
    assert ("I08b", contribution_subject(row.pk)) in audited()


def test_audit_finds_a_return_to_another_member(history: History) -> None:
    cancelled, _, _ = history
    row = Contribution.objects.get(cycle=cancelled, user_id="user-0")
    Contribution.objects.filter(pk=row.pk).update(user_id="user-9")
    assert ("I08b", contribution_subject(row.pk)) in audited()


def test_audit_finds_a_cycle_that_counts_other_contributions_than_are_settled(history: History) -> None:
    cancelled, short, _ = history
    Cycle.objects.filter(pk=short.pk).update(settled_count=3)
    Cycle.objects.filter(pk=cancelled.pk).update(settled_count=1)
    assert audited() == {("I05", f"cycle:{short.pk}"), ("I05", f"cycle:{cancelled.pk}")}


def test_audit_finds_a_short_cycle_that_collects_again(history: History) -> None:
    _, short, _ = history
    Cycle.objects.filter(pk=short.pk).update(state="cancelled", cancelled_at=NOW)
    assert audited() == {("I05", f"cycle:{short.pk}")}


@pytest.mark.parametrize(
    "changes",
    [{"amount_msat": 9_000_000}, {"owner": "member:user-1"}, {"into_owner": "cycle:another"}],
    ids=lambda changes: next(iter(changes)),
)
def test_audit_finds_credit_that_does_not_fit_its_contribution(
    changes: dict[str, object], history: History
) -> None:
    _, _, owed = history
    CreditUse.objects.update(**changes)
    assert ("I08", contribution_subject(owed.pk)) in audited()


def test_audit_finds_credit_used_for_no_contribution(history: History) -> None:
    CreditUse.objects.update(subject="contribution:999999")
    assert ("I08", "contribution:999999") in audited()


@pytest.mark.parametrize(
    ("owner", "amount", "kind", "breach"),
    [
        ("nobody", -5, "receipt", ("I08", "member:nobody")),
        ("user-2", 5, "receipt", ("I11", "member:user-2")),
        ("user-0", -5, "gift", ("I08", "kind:gift")),
    ],
    ids=["of-nobody", "below-zero", "without-cause"],
)
def test_audit_finds_credit_without_owner_cause_or_cover(
    owner: str, amount: int, kind: str, breach: tuple[str, str], history: History
) -> None:
    lines = [Line(credit_of(owner), amount), Line(BANK, -amount)]
    post(kind=kind, reference=f"by-hand:{owner}", lines=lines, at=NOW, subject="by-hand")
    assert audited() == {breach}


def test_audit_finds_a_request_for_a_part_of_a_contribution_that_no_credit_pays(history: History) -> None:
    """The credit of 10,000 was given back behind the system: the request still asks for 2,000 of 12,000 alone."""
    _, _, owed = history
    return_credit(subject=contribution_subject(owed.pk), actor=ACTOR, reason="by hand", now=NOW)
    assert audited() == {("I08", contribution_subject(owed.pk))}
