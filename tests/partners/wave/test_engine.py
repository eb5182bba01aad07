"""Payouts by Wave through the engine: the right end of each, and one payment at Wave. Amounts: whole francs.

100,000 sats cost 1,000; at 8,000,000 XOF for a bitcoin the net of 99,000 sats is 7,920 F, and Wave charges 79.
After a send the provider may accept it for 20 s and 5 minutes: 320 s.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django import Settings

from fees.queries import forget_schedules
from ledger.queries import balance
from sandbox.simulator.script import Outcome, Step
from sunusav.core.auditing import AuditScope
from tests.fakes.franc_rail import ScriptedFrancRail, phone
from tests.ledger.builders import stored_rate
from tests.partners.harness import PaidOut
from tests.partners.wave.harness import WaveHarness
from tests.support.subjects import subjects_made_up
from tests.transfers.builders import ordered, row_of, run, snapshot
from tests.transfers.rails import Watch
from transfers.engine.reversing import confirm_reversals
from transfers.invariants import INVARIANTS
from transfers.models import Attempt, PaymentOrder
from transfers.rails import rail
from transfers.services.matching import match_rails
from transfers.types import Choice, Destination

pytestmark = pytest.mark.django_db

__all__ = ["subjects_made_up"]

NET_XOF, CHARGE_XOF = 7_920, 79
MAY_LEAVE_SECONDS = 320
AWA = Destination(rail="wave", kind="phone", value=WaveHarness.phone)


@pytest.fixture(autouse=True)
def plugins(settings: Settings) -> Iterator[None]:
    settings.RAILS = {
        "wave": "partners.wave.rail.WaveRail",
        "franc": "tests.fakes.franc_rail.ScriptedFrancRail",
    }
    settings.COLLECTORS = {}
    for forget in (rail.cache_clear, forget_schedules):
        forget()
    yield
    for forget in (rail.cache_clear, forget_schedules):
        forget()


@pytest.fixture
def watch(wave: WaveHarness) -> Watch:
    """The engine's clock, which begins at Wave's time: only a test advances it."""
    found = Watch(datetime.now(UTC).replace(microsecond=0))
    stored_rate("8000000", at=found())
    return found


def awaited(watch: Watch, **changes: Any) -> int:
    return ordered(at=watch(), destination=AWA, **changes)


def breaches(watch: Watch) -> list[Any]:
    scope = AuditScope(now=watch())
    return [found for one in INVARIANTS if not one.waiting for found in one.find(scope)]


def assert_paid(wave: WaveHarness, disbursement_id: int, watch: Watch, *attempts: str) -> None:
    """Check the end of a payout that Wave paid, with its books, by the last of these attempts."""
    found = snapshot(disbursement_id)
    assert (found.state, found.attempts) == ("completed", [*attempts, "succeeded"])
    paid_by = Attempt.objects.select_related("order").get(state="succeeded")
    assert wave.paid() == [PaidOut(paid_by.order.reference, WaveHarness.phone, NET_XOF)]
    assert paid_by.cost == CHARGE_XOF
    account = rail("wave").account
    assert balance(account) == -NET_XOF - CHARGE_XOF
    assert wave.balance_xof() == 1_000_000 + balance(account)
    assert breaches(watch) == []


def test_payout_is_paid_and_booked_with_its_charge(wave: WaveHarness, watch: Watch) -> None:
    disbursement_id = awaited(watch)

    run(watch)

    assert_paid(wave, disbursement_id, watch)


@pytest.mark.parametrize(
    "step",
    [
        "timeout-after-accept", "timeout-before", "lost-after-accept", "lost-before", "error-after-accept",
        "error-before", "reset", "html", "html-before", "too-many-requests", "hidden",
    ],
)  # fmt: skip
def test_payout_whose_answer_was_lost_is_paid_once_by_one_order(
    wave: WaveHarness, watch: Watch, step: str
) -> None:
    disbursement_id = awaited(watch)
    wave.script_payout(step)

    run(watch)
    watch.advance(5)
    run(watch)

    assert_paid(wave, disbursement_id, watch)
    assert PaymentOrder.objects.count() == 1


@pytest.mark.parametrize("is_paid", [True, False])
def test_payout_under_way_waits_for_its_end(wave: WaveHarness, watch: Watch, is_paid: bool) -> None:
    disbursement_id = awaited(watch)
    wave.script_payout("pending")
    run(watch)
    assert snapshot(disbursement_id).attempts == ["in_flight"]

    wave.complete(PaymentOrder.objects.get().reference, is_paid=is_paid)
    watch.advance(5)
    run(watch)

    if is_paid:
        assert_paid(wave, disbursement_id, watch)
        return
    assert (row_of(disbursement_id).state, row_of(disbursement_id).failure_code) == (
        "failed", "recipient-account-inactive",
    )  # fmt: skip
    assert wave.paid() == []
    assert breaches(watch) == []


def test_wallet_with_too_little_money_pays_later_by_another_order(wave: WaveHarness, watch: Watch) -> None:
    """The call was refused, so that Wave does not know the order: that confirms it, and nobody has to look."""
    disbursement_id = awaited(watch)
    wave.refuse_next("float")

    run(watch)
    assert snapshot(disbursement_id).attempts == ["void"]
    watch.advance(MAY_LEAVE_SECONDS - 1)
    run(watch)
    assert wave.control.calls("payout") == 1
    watch.advance(2)
    run(watch)

    assert_paid(wave, disbursement_id, watch, "void")
    first, second = PaymentOrder.objects.order_by("pk").values_list("reference", flat=True)
    assert first != second


@pytest.mark.parametrize("shape", ["code", "payout"])
def test_second_choice_is_paid_when_wave_finally_refused_the_first(
    wave: WaveHarness, watch: Watch, shape: str
) -> None:
    other = rail("franc")
    assert isinstance(other, ScriptedFrancRail)
    disbursement_id = ordered(at=watch(), choices=(Choice(AWA), Choice(phone("+221770000001"))))
    wave.control.set(error_shape=shape)
    wave.refuse_next("recipient")

    run(watch)
    watch.advance(MAY_LEAVE_SECONDS - 1)
    run(watch)
    assert other.sends == 0
    watch.advance(2)
    run(watch)

    closed = "void" if shape == "code" else "failed"
    assert snapshot(disbursement_id).attempts == [closed, "succeeded"]
    assert (other.paid, wave.paid()) == ({f"franc-{disbursement_id}": NET_XOF}, [])
    assert breaches(watch) == []


@pytest.mark.parametrize("step", ["wrong-amount", "wrong-currency"])
def test_payout_that_is_not_the_ordered_one_waits_for_a_person(
    wave: WaveHarness, watch: Watch, step: str
) -> None:
    disbursement_id = awaited(watch)
    wave.script_payout(step)

    run(watch)
    watch.advance(700)
    run(watch)

    row = row_of(disbursement_id)
    assert (row.state, row.failure_code) == ("needs_review", "answer-contradicts-records")
    assert len(wave.payouts()) == 1


def test_code_that_is_not_documented_waits_for_a_person(wave: WaveHarness, watch: Watch) -> None:
    disbursement_id = awaited(watch)
    wave.script_payout(Step(outcome=Outcome.REFUSE, code="sun-in-eclipse"))

    run(watch)

    row = row_of(disbursement_id)
    assert (row.state, row.failure_code) == ("needs_review", "sun-in-eclipse")
    assert wave.paid() == []


def test_order_that_wave_never_gets_is_void_a_day_later_and_another_is_paid(
    wave: WaveHarness, watch: Watch
) -> None:
    """The same order is sent for 24 hours; five minutes later no call of it can be accepted any more."""
    disbursement_id = awaited(watch)
    wave.script_payout("lost-before", times=2)
    run(watch)
    watch.advance(23 * 3_600)
    run(watch)
    assert wave.control.calls("payout") == 2
    assert PaymentOrder.objects.count() == 1

    watch.advance(3_600 + 300)
    run(watch)
    assert snapshot(disbursement_id).attempts == ["prepared"]
    watch.advance(15)
    run(watch)
    assert snapshot(disbursement_id).attempts == ["void"]
    watch.advance(120)
    run(watch)

    assert_paid(wave, disbursement_id, watch, "void")


def test_payout_that_wave_gives_back_comes_back_with_its_charge(
    wave: WaveHarness, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = wave.balance_xof()
    paid = awaited(watch)
    run(watch)
    wave.reverse(Attempt.objects.get().order.reference)
    monkeypatch.setenv("WAVE_STATEMENT_FROM", f"{watch():%Y-%m-%d}")
    watch.advance(3_600)
    match_rails(["wave"], clock=watch)

    assert confirm_reversals(["wave"], clock=watch) == 1

    assert row_of(paid).state == "reversed"
    # Wave holds what it held before, and the books have taken nothing from the float.
    assert (wave.balance_xof() - held, balance(rail("wave").account)) == (0, 0)
    assert breaches(watch) == []
