"""Payments by Orange through the engine: after a lost answer nothing else is sent until two people decided.

100,000 sats cost 1 %; the net of 99,000 sats at 8,000,000 XOF per bitcoin is 7,920 francs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pytest_django import Settings

from fees.queries import forget_schedules
from ledger.enums import AccountRole, Currency
from ledger.queries import balance
from ledger.types import AccountRef
from partners.orange.rail import OrangeRail
from sandbox.simulator.script import Step
from sunusav.core.deadlines import Deadline
from tests.ledger.builders import stored_rate
from tests.partners.harness import PaidOut
from tests.partners.orange.calls import phone_of
from tests.partners.orange.harness import OrangeHarness
from tests.support.guards import written_facts_guarded
from tests.support.subjects import subjects_made_up
from tests.transfers.builders import BY, NOW, attempts, ordered, row_of
from tests.transfers.builders import run as run_worker
from tests.transfers.deciding import People, breaches
from tests.transfers.rails import Watch
from transfers.matching import match_rail
from transfers.models import Attempt
from transfers.rails import rail
from transfers.services.disbursements import retry_disbursement
from transfers.services.reconciliation import query_now
from transfers.types import Order, SendOutcome

__all__ = ["subjects_made_up", "written_facts_guarded"]

pytestmark = pytest.mark.django_db

FLOAT = AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, "orange")
CHARGES = AccountRef(AccountRole.PARTNER_CHARGES, Currency.XOF, "orange")
CREDIT = AccountRef(AccountRole.MEMBER_CREDIT, Currency.MSAT, "member:awa")
AMOUNT_XOF = 7_920
# The token that a sender had may live for 299 s, and the send itself may leave for 20 s.
MAY_LEAVE_SECONDS = 20 + 360
DAY_SECONDS = 24 * 3_600


class FreezableRail(OrangeRail):
    """The Orange rail; `frozen` is run, once, between the committed intent and the call, for ten minutes."""

    def __init__(self) -> None:
        super().__init__()
        self.frozen: Callable[[], object] | None = None

    def send(self, order: Order, *, deadline: Deadline) -> SendOutcome:
        act, self.frozen = self.frozen, None
        if act is None:
            return super().send(order, deadline=deadline)
        act()
        ten_minutes = int(timedelta(minutes=10).total_seconds()) * 1_000_000_000
        return super().send(order, deadline=replace(deadline, boottime_ns=deadline.boottime_ns - ten_minutes))


class World:
    """The clock of Orange and of the workers, and the payments."""

    def __init__(self, orange: OrangeHarness) -> None:
        self.orange, self.watch = orange, Watch(NOW)
        self.advance(0)

    def advance(self, seconds: float) -> None:
        self.watch.advance(seconds)
        self.orange.control.set_clock(self.watch())

    def run(self, *, after: float = 0) -> None:
        """Let a worker do what is due, some time later."""
        self.advance(after)
        run_worker(self.watch)

    def asked(self, disbursement_id: int, *, after: float) -> None:
        """Have Orange asked about a payment, some time later."""
        self.advance(after)
        query_now(disbursement_id=disbursement_id, actor=BY, now=self.watch())
        run_worker(self.watch)

    def payment(self) -> int:
        return ordered(destination=phone_of(self.orange.phone), residue=CREDIT)

    def posts(self) -> int:
        return self.orange.control.calls("cash_in")


@pytest.fixture(autouse=True)
def plugins(settings: Settings) -> Iterator[None]:
    settings.RAILS = {"orange": "tests.partners.orange.test_engine.FreezableRail"}
    settings.COLLECTORS = {}
    settings.FALLBACK_RATE_MOVES_FRANCS = False
    for forget in (rail.cache_clear, forget_schedules):
        forget()
    yield
    for forget in (rail.cache_clear, forget_schedules):
        forget()


@pytest.fixture
def world(orange: OrangeHarness) -> World:
    stored_rate("8000000", at=NOW)
    return World(orange)


@pytest.fixture
def people(world: World) -> People:
    return People(world.watch)


def states(disbursement_id: int) -> tuple[str, list[str]]:
    return row_of(disbursement_id).state, [attempt.state for attempt in attempts(disbursement_id)]


def paid_once(world: World, number: int = 1) -> list[PaidOut]:
    """Return what Orange must have paid: the attempt of this number, and nothing else."""
    reference = Attempt.objects.select_related("order").get(number=number).order.reference
    return [PaidOut(reference, world.orange.phone, AMOUNT_XOF)]


def test_payment_is_made_once_at_a_cost_that_is_not_stated(world: World) -> None:
    disbursement_id = world.payment()
    world.run()

    assert states(disbursement_id) == ("completed", ["succeeded"])
    assert world.orange.paid() == paid_once(world)
    assert (balance(FLOAT), balance(CHARGES)) == (-AMOUNT_XOF, 0)
    assert attempts(disbursement_id)[0].cost is None
    assert breaches(world.watch) == []
    assert match_rail("orange", now=world.watch.after(120)).mismatches == []


@pytest.mark.parametrize("script", ["lost-after-accept", "error-after-accept", "html", "reset", "hidden"])
def test_payment_whose_answer_was_lost_is_found(world: World, script: str) -> None:
    disbursement_id = world.payment()
    world.orange.script_payout(script)
    world.run()
    assert states(disbursement_id) == ("processing", ["prepared"])

    world.asked(disbursement_id, after=31)

    assert states(disbursement_id) == ("completed", ["succeeded"])
    assert (world.posts(), world.orange.paid()) == (1, paid_once(world))
    assert breaches(world.watch) == []


@pytest.mark.parametrize("script", ["lost-before", "error-before", "html-before", "too-many-requests"])
def test_nothing_is_sent_after_a_lost_answer_before_token_search_and_two_people(
    world: World, people: People, script: str
) -> None:
    disbursement_id = world.payment()
    world.orange.script_payout(script)
    world.run()
    for seconds in (1, 30, MAY_LEAVE_SECONDS, 3_600, DAY_SECONDS - 3_700):
        world.asked(disbursement_id, after=seconds)
        assert (states(disbursement_id), world.posts()) == (("processing", ["prepared"]), 1)

    world.asked(disbursement_id, after=MAY_LEAVE_SECONDS)
    row = row_of(disbursement_id)
    assert (row.state, row.failure_code, world.posts()) == ("needs_review", "never-found", 1)

    people.decide(disbursement_id)
    assert (states(disbursement_id), world.posts()) == (("failed", ["failed"]), 1)
    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="decided", now=world.watch())
    world.run()
    assert states(disbursement_id) == ("completed", ["failed", "succeeded"])
    assert (world.posts(), world.orange.paid()) == (2, paid_once(world, 2))
    assert breaches(world.watch) == []


def test_sender_that_is_frozen_between_intent_and_call_for_ten_minutes_sends_nothing(world: World) -> None:
    """Meanwhile other workers ask about the order, and send nothing either: whether it had left they cannot know."""
    frozen = rail("orange")
    assert isinstance(frozen, FreezableRail)
    disbursement_id = world.payment()

    def others_work() -> None:
        for _ in range(10):
            world.run(after=60)

    frozen.frozen = others_work
    world.run()

    assert (states(disbursement_id), world.posts()) == (("processing", ["prepared"]), 0)
    for _ in range(20):
        world.run(after=300)
    assert (states(disbursement_id), world.posts()) == (("processing", ["prepared"]), 0)
    world.asked(disbursement_id, after=DAY_SECONDS)
    assert row_of(disbursement_id).failure_code == "never-found"
    assert (world.posts(), world.orange.paid()) == (0, [])


def test_sender_that_was_too_late_and_kept_its_claim_sends_the_same_order_again(world: World) -> None:
    """Nobody else worked meanwhile: that certainly nothing left is recorded, and the order may go."""
    frozen = rail("orange")
    assert isinstance(frozen, FreezableRail)
    frozen.frozen = lambda: None
    disbursement_id = world.payment()
    world.run()
    assert (Attempt.objects.get().sends, world.posts()) == (0, 0)

    world.run(after=60)

    assert states(disbursement_id) == ("completed", ["succeeded"])
    assert (world.posts(), world.orange.paid()) == (1, paid_once(world))


@pytest.mark.parametrize("lists_refused", [True, False])
def test_payment_that_the_float_was_too_short_for_goes_later_by_another_order(
    world: World, lists_refused: bool
) -> None:
    world.orange.control.set(lists_refused=lists_refused)
    disbursement_id = world.payment()
    world.orange.refuse_next("float")
    world.run()
    assert states(disbursement_id) == ("processing", ["failed"])
    world.run(after=MAY_LEAVE_SECONDS - 1)
    assert (states(disbursement_id), world.posts()) == (("processing", ["failed"]), 1)

    world.run(after=61)

    assert states(disbursement_id) == ("completed", ["failed", "succeeded"])
    assert world.orange.paid() == paid_once(world, 2)
    assert breaches(world.watch) == []


def test_payment_that_the_recipient_cannot_receive_fails(world: World) -> None:
    disbursement_id = world.payment()
    world.orange.refuse_next("recipient")
    world.run()

    row = row_of(disbursement_id)
    assert (row.state, row.failure_code) == ("failed", "recipient-full")
    world.run(after=DAY_SECONDS)
    assert (world.posts(), world.orange.paid()) == (1, [])


def test_refused_pin_is_tried_once_however_many_payments_wait(world: World) -> None:
    ids = [
        ordered(name, destination=phone_of(world.orange.phone), residue=CREDIT) for name in ("awa", "fatou")
    ]
    world.orange.control.set(pin="9999")
    for _ in range(5):
        world.run(after=60)

    assert {row_of(one).state for one in ids} == {"processing"}
    assert world.orange.control.calls("balance") + world.posts() == 1
    assert world.orange.paid() == []


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        (Step(amount=1), "another-payment"), (Step(currency="EUR"), "another-payment"), (Step(times=2), "paid-twice"),
        (Step(amount=1, reply="lost"), "another-payment"), (Step(times=2, reply="lost"), "paid-twice"),
    ],
)  # fmt: skip
def test_payment_that_is_not_the_ordered_one_waits_for_people(world: World, step: Step, outcome: str) -> None:
    disbursement_id = world.payment()
    world.orange.script_payout(step)
    world.run()
    world.run(after=30)

    row = row_of(disbursement_id)
    assert (row.state, row.failure_code) == ("needs_review", "answer-contradicts-records")
    assert Attempt.objects.get().outcome == outcome
    world.run(after=DAY_SECONDS)
    assert world.posts() == 1


@pytest.mark.parametrize("is_paid", [True, False])
def test_pending_payment_waits_for_its_end(world: World, is_paid: bool) -> None:
    disbursement_id = world.payment()
    world.orange.script_payout("pending")
    world.run()
    world.asked(disbursement_id, after=3_600)
    assert states(disbursement_id) == ("processing", ["in_flight"])

    world.orange.complete(Attempt.objects.select_related("order").get().order.reference, is_paid=is_paid)
    world.asked(disbursement_id, after=60)

    expected = ("completed", ["succeeded"]) if is_paid else ("needs_review", ["failed"])
    assert (states(disbursement_id), world.posts()) == (expected, 1)


def test_payment_that_is_paid_twice_later_is_a_mismatch(world: World) -> None:
    world.payment()
    world.run()
    [reference] = [one.reference for one in world.orange.paid()]
    world.orange.control.call("book_again", reference=reference)

    report = match_rail("orange", now=world.watch.after(120))

    assert [mismatch.code for mismatch in report.mismatches] == ["paid-twice"]
