"""Contributions by every partner: 10,000 sats at 9,123,457 XOF are 912.3 XOF, so 913 are asked for (up).

913 XOF are worth 10,007,171 msat, 400 XOF 4,384,303. What is not asked for becomes the member's credit.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from ledger.enums import AccountRole, Currency
from ledger.queries import balance, owed
from ledger.types import AccountRef, xof
from sandbox.simulator.control import ControlRefused
from sunusav.core.auditing import AuditScope
from tests.ledger.builders import stored_rate
from tests.partners.harness import DISTINCT, Harness
from tests.partners.journeys.world import World
from tests.transfers.collecting import CREDIT, DUE_MSAT, OVERPAID, opened, stored
from transfers.collectors import collector
from transfers.errors import CollectorUnavailable
from transfers.invariants import INVARIANTS
from transfers.models import Collection, Receipt
from transfers.receipt_booking import clearing_of
from transfers.services.collections import reconcile_collection, sweep_collections
from transfers.types import CollectionFacts

pytestmark = pytest.mark.django_db

PARTNERS = DISTINCT
ASKED_XOF, EXTRA_MSAT = 913, 10_007_171


@pytest.fixture
def asked(world: World, partner: Harness) -> CollectionFacts:
    """Ask for 10,000 sats in francs."""
    stored_rate("9123457", at=world.watch() - timedelta(minutes=1))
    return asked_for(world)


def asked_for(world: World) -> CollectionFacts:
    partner = world.partner
    return opened(method=partner.name, phone=partner.phone, now=world.watch())


def books(world: World, facts: CollectionFacts) -> tuple[str, int, int, int, int]:
    """Return state, clearing (XOF), what is due and the credit (msat), and the float (XOF)."""
    held = owed(clearing_of(facts.id, facts.amount.currency))
    float_xof = balance(AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, world.partner.name))
    return stored(facts).state, held, owed(CREDIT), owed(OVERPAID), float_xof


def breaches(world: World) -> list[str]:
    scope = AuditScope(now=world.watch())
    return [found.detail for rule in INVARIANTS for found in rule.find(scope)]


def queried(world: World, facts: CollectionFacts, *, after: int = 300) -> None:
    """Query the partner later, as the sweep does."""
    world.advance(after)
    reconcile_collection(facts.id, now=world.watch())


def test_contribution_is_settled_by_polling_alone(
    world: World, partner: Harness, asked: CollectionFacts
) -> None:
    assert asked.amount == xof(ASKED_XOF)
    partner.pay_in(asked.reference)

    world.advance(300)
    assert sweep_collections(now=world.watch()) == 1

    assert books(world, asked) == ("settled", 0, DUE_MSAT, 0, ASKED_XOF)
    queried(world, asked, after=7_200)
    assert books(world, asked) == ("settled", 0, DUE_MSAT, 0, ASKED_XOF)
    assert Receipt.objects.count() == 1
    assert breaches(world) == []


def test_second_payment_becomes_credit(world: World, partner: Harness, asked: CollectionFacts) -> None:
    if not partner.traits.takes_second_payment:
        pytest.skip("this partner ends a request with its first payment")
    partner.pay_in(asked.reference)
    partner.pay_in(asked.reference)

    queried(world, asked)

    assert books(world, asked) == ("settled", 0, DUE_MSAT, EXTRA_MSAT, 2 * ASKED_XOF)
    assert breaches(world) == []


def test_wrong_amount_is_part_of_it_and_the_rest_completes_it(
    world: World, partner: Harness, asked: CollectionFacts
) -> None:
    if not partner.traits.takes_other_amounts:
        pytest.skip("a payer of this partner pays what is asked for")
    partner.pay_in(asked.reference, 400)
    queried(world, asked)
    assert books(world, asked) == ("partial", 400, 0, 0, 400)

    partner.pay_in(asked.reference, 513)
    queried(world, asked)
    assert books(world, asked) == ("settled", 0, DUE_MSAT, 0, ASKED_XOF)
    assert breaches(world) == []


def test_payment_that_is_seen_after_the_end_is_booked_once(
    world: World, partner: Harness, asked: CollectionFacts
) -> None:
    """It was paid in time, and the partner was not reached before the request had ended."""
    partner.pay_in(asked.reference)

    queried(world, asked, after=86_400 + 120)
    queried(world, asked)

    assert books(world, asked) == ("settled", 0, DUE_MSAT, 0, ASKED_XOF)
    assert breaches(world) == []


def test_request_that_nobody_pays_ends(world: World, partner: Harness, asked: CollectionFacts) -> None:
    queried(world, asked)
    assert stored(asked).state == "open"

    for _ in range(60):
        if stored(asked).state != "open":
            break
        queried(world, asked, after=14_400)

    assert books(world, asked) == ("expired", 0, 0, 0, 0)
    assert breaches(world) == []


def test_opening_whose_answer_was_lost_opens_one_request(world: World, partner: Harness) -> None:
    stored_rate("9123457", at=world.watch())
    partner.script_open("lost-after-accept")
    facts = None
    for _ in range(2):
        try:
            facts = asked_for(world)
        except CollectorUnavailable:
            continue
    assert facts is not None

    partner.pay_in(facts.reference)
    queried(world, facts)

    assert books(world, facts) == ("settled", 0, DUE_MSAT, 0, ASKED_XOF)
    assert breaches(world) == []


def test_request_in_another_currency_counts_nothing(world: World, partner: Harness) -> None:
    stored_rate("9123457", at=world.watch())
    partner.script_open("wrong-currency", times=-1)
    with suppress(CollectorUnavailable):
        asked_for(world)
    reference = collector(partner.name).reference_of(Collection.objects.get().pk)
    assert reference is not None
    with suppress(ControlRefused):
        partner.pay_in(reference)

    world.advance(300)
    sweep_collections(now=world.watch())

    assert (owed(CREDIT), owed(OVERPAID), Receipt.objects.count()) == (0, 0, 0)
    assert breaches(world) == []
