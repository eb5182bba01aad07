"""Payments whose provider does not state what they cost: nothing is guessed, and two people book the charge later.

100,000 sats cost 1 % = 1,000; the net of 99,000 sats is 7,920 F at 8,000,000.
"""

from typing import Any

import pytest

from ledger.enums import AccountRole, Currency
from ledger.queries import balance
from ledger.types import AccountRef, xof
from sunusav.core.auditing import AuditScope
from tests.fakes.franc_rail import CHARGES, FLOAT, ScriptedFrancRail, phone
from tests.ledger.builders import stored_rate
from tests.transfers.builders import NOW, attempts, ordered, run, settle, snapshot
from tests.transfers.deciding import WRITTEN_OFF, People
from tests.transfers.rails import Watch
from tests.transfers.test_late_sends import cancel
from transfers.engine.destinations import order_of
from transfers.engine.paid import close_as_paid
from transfers.enums import FailureClass, ResolutionVerdict, TreasuryKind
from transfers.invariants import INVARIANTS
from transfers.matching import match_rail
from transfers.models import Attempt
from transfers.queries import disbursement
from transfers.resolution_errors import ResolutionCostOutOfRange
from transfers.treasury_booking import movement_lines
from transfers.types import Movement, ProviderPayment, Refused, Succeeded, Unknown

pytestmark = pytest.mark.django_db

CREDIT = AccountRef(AccountRole.MEMBER_CREDIT, Currency.MSAT, "member:awa")
NET_XOF = 7_920


@pytest.fixture(autouse=True)
def rate(db: None) -> None:
    stored_rate("8000000", at=NOW)


def paid_without_cost(reference: str) -> Succeeded:
    return Succeeded(proof=f"receipt-of-{reference}", amount=xof(NET_XOF), cost=None)


def asked(number: int = 1) -> int:
    """Order a payment in francs."""
    return ordered(f"awa-{number}", destination=phone(f"+22177000000{number}"), residue=CREDIT)


def pay(francs: ScriptedFrancRail, watch: Watch) -> int:
    disbursement_id = asked()
    francs.script.append(paid_without_cost(f"franc-{disbursement_id}"))
    run(watch)
    return disbursement_id


def line(reference: str, **changes: Any) -> ProviderPayment:
    facts = {"is_paid": True, "is_open": False, "amount": xof(NET_XOF), "cost": None, **changes}
    return ProviderPayment(reference=reference, **facts)


def breaches(watch: Watch) -> list[Any]:
    scope = AuditScope(now=watch())
    return [found for one in INVARIANTS if not one.waiting for found in one.find(scope)]


def test_payment_without_a_stated_cost_books_none(francs: ScriptedFrancRail, watch: Watch) -> None:
    disbursement_id = pay(francs, watch)

    assert snapshot(disbursement_id).state == "completed"
    assert attempts(disbursement_id)[0].cost is None
    assert disbursement(disbursement_id).cost is None
    assert (balance(FLOAT), balance(CHARGES)) == (-NET_XOF, 0)
    assert breaches(watch) == []


def test_payments_with_and_without_a_stated_cost_are_booked_together(
    francs: ScriptedFrancRail, watch: Watch
) -> None:
    """The fake states 5 F for the first."""
    first, second = asked(1), asked(2)
    francs.script.extend([Succeeded(f"receipt-of-franc-{first}", xof(NET_XOF), xof(5)),
                          paid_without_cost(f"franc-{second}")])  # fmt: skip

    run(watch)

    assert sorted(row.cost is None for row in Attempt.objects.all()) == [False, True]
    assert (balance(FLOAT), balance(CHARGES)) == (-2 * NET_XOF - 5, 5)
    assert breaches(watch) == []


def test_charge_of_the_float_is_what_two_people_book_for_it() -> None:
    charge = Movement(TreasuryKind.PROVIDER_CHARGE, FLOAT, 40)

    assert {one.account: one.amount for one in movement_lines(charge)} == {FLOAT: -40, CHARGES: 40}


def test_audit_finds_a_cost_that_was_booked_and_is_not_stated(
    francs: ScriptedFrancRail, watch: Watch
) -> None:
    asked()
    run(watch)
    Attempt.objects.update(cost=None)

    assert {breach.invariant for breach in breaches(watch)} == {"I08b", "I09"}


@pytest.mark.parametrize(
    ("stated", "listed", "codes"),
    [
        (None, None, []),
        (None, xof(40), []),
        (xof(5), None, []),
        (xof(5), xof(5), []),
        (xof(5), xof(6), ["amounts-differ"]),
    ],
)
def test_statement_differs_only_where_both_costs_are_known(
    stated: Any, listed: Any, codes: list[str], *, francs: ScriptedFrancRail, watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    reference = f"franc-{asked()}"
    francs.script.append(Succeeded(f"receipt-of-{reference}", xof(NET_XOF), stated))
    run(watch)
    watch.advance(3_600)
    monkeypatch.setattr(francs, "statement", lambda: [line(reference, cost=listed)])

    assert [one.code for one in match_rail("franc", now=watch()).mismatches] == codes


def test_statement_of_another_amount_differs_without_costs(
    francs: ScriptedFrancRail, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = f"franc-{pay(francs, watch)}"
    watch.advance(3_600)
    monkeypatch.setattr(francs, "statement", lambda: [line(reference, amount=xof(1))])

    (found,) = match_rail("franc", now=watch()).mismatches
    assert found.facts == {
        "amount": 1, "cost": None, "booked": NET_XOF, "booked_cost": None, "currency": "XOF",
    }  # fmt: skip


def test_write_off_of_a_payment_without_a_stated_cost_books_the_amount_alone(
    francs: ScriptedFrancRail, watch: Watch
) -> None:
    disbursement_id = asked()
    francs.script.append(Refused("account-limit", FailureClass.FINAL))
    run(watch)
    settle(watch)
    cancel(disbursement_id, watch)
    (closed,) = attempts(disbursement_id)
    assert not close_as_paid(closed, paid_without_cost(order_of(closed.order).reference), now=watch())

    People(watch).decide(disbursement_id, WRITTEN_OFF)

    losses = AccountRef(AccountRole.PAYMENT_LOSSES, Currency.XOF)
    assert (balance(FLOAT), balance(CHARGES), balance(losses)) == (-NET_XOF, 0, NET_XOF)
    assert breaches(watch) == []


def test_people_who_say_that_it_was_paid_state_its_cost(francs: ScriptedFrancRail, watch: Watch) -> None:
    disbursement_id = asked()
    francs.script.append(Unknown(seen=True, reason="accepted", suspect=True))
    run(watch)

    with pytest.raises(ResolutionCostOutOfRange):
        People(watch).propose(
            disbursement_id, ResolutionVerdict.PAID, proof=f"receipt-of-franc-{disbursement_id}", cost=None
        )
