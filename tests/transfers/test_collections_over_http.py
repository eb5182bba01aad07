"""Collections in francs over a real provider on loopback, by polling alone. At 9,123,457: 10,000 sats are 913 XOF."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import Settings

from ledger.queries import balance, owed
from sunusav.core.auditing import AuditScope
from tests.francs.fixtures import franc_process, francs
from tests.francs.process import FrancProcess
from tests.ledger.builders import stored_rate
from tests.transfers.builders import BY, NOW
from tests.transfers.collecting import CREDIT, DUE_MSAT, OVERPAID, opened, stored
from tests.transfers.test_collections_in_francs import FLOAT
from transfers.collectors import collector
from transfers.errors import CollectorUnavailable
from transfers.invariants import INVARIANTS
from transfers.models import Receipt
from transfers.receipt_booking import clearing_of
from transfers.services.cancellations import cancel_collection
from transfers.services.collections import reconcile_collection, sweep_collections
from transfers.types import CollectionFacts

__all__ = ["franc_process", "francs"]

pytestmark = pytest.mark.django_db

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
OVER = NOW + DAY + 2 * MINUTE
PHONE = "+221771234567"


@pytest.fixture(autouse=True)
def provider(francs: FrancProcess, settings: Settings, plugins: None) -> FrancProcess:
    settings.COLLECTORS = {**settings.COLLECTORS, "franc": "tests.francs.collector.FrancCollector"}
    collector.cache_clear()
    stored_rate("9123457", at=NOW - MINUTE)
    francs.control.set_clock(NOW)
    return francs


def asked() -> CollectionFacts:
    return opened(method="franc", phone=PHONE)


def balances(facts: CollectionFacts) -> tuple[str, int, int, int, int]:
    """Return state, clearing (XOF), what is due and the credit (msat), and the float (XOF)."""
    held = owed(clearing_of(facts.id, facts.amount.currency))
    return stored(facts).state, held, owed(CREDIT), owed(OVERPAID), balance(FLOAT)


def test_every_payment_is_counted_once_however_many_came_between_two_queries(
    provider: FrancProcess,
) -> None:
    facts = asked()
    provider.control.pay_in(facts.reference, 400)
    provider.control.pay_in(facts.reference, 100, listed=2)

    assert sweep_collections(now=NOW + 5 * MINUTE) == 1
    assert balances(facts) == ("partial", 500, 0, 0, 500)
    provider.control.pay_in(facts.reference, 413)
    provider.control.pay_in(facts.reference, 1)
    for later in (10, 15):
        reconcile_collection(facts.id, now=NOW + later * MINUTE)

    assert balances(facts) == ("settled", 0, DUE_MSAT, 10_960, 914)
    assert list(Receipt.objects.order_by("pk").values_list("use", flat=True)) == [
        "part", "part", "complete", "extra",
    ]  # fmt: skip
    assert _breaches() == []


def test_part_of_a_request_that_expires_at_the_provider_is_credited(provider: FrancProcess) -> None:
    facts = asked()
    provider.control.pay_in(facts.reference, 400)
    reconcile_collection(facts.id, now=NOW + MINUTE)
    provider.control.set_clock(OVER)

    reconcile_collection(facts.id, now=OVER)

    assert balances(facts) == ("expired", 0, 0, 4_384_303, 400)
    assert _breaches() == []


def test_payment_that_came_while_it_was_cancelled_is_booked_before(provider: FrancProcess) -> None:
    facts = asked()
    provider.control.pay_in(facts.reference, 400)

    cancel_collection(collection_id=facts.id, actor=BY, reason="by Lightning instead", now=NOW)

    assert balances(facts) == ("cancelled", 0, 0, 4_384_303, 400)
    assert _breaches() == []


def test_second_payment_after_it_was_settled_is_found_by_polling(provider: FrancProcess) -> None:
    facts = asked()
    provider.control.pay_in(facts.reference, 913)
    assert sweep_collections(now=NOW + 5 * MINUTE) == 1
    assert balances(facts) == ("settled", 0, DUE_MSAT, 0, 913)
    provider.control.pay_in(facts.reference, 913)

    assert sweep_collections(now=NOW + 30 * MINUTE) == 0
    assert sweep_collections(now=NOW + 70 * MINUTE) == 1

    assert balances(facts) == ("settled", 0, DUE_MSAT, 10_007_171, 1_826)
    assert _breaches() == []


def test_payment_after_the_expiry_is_found_by_polling_for_seven_days(provider: FrancProcess) -> None:
    """It is asked about after an hour, and then after as long again as has passed since the end."""
    facts = asked()
    provider.control.set_clock(OVER)
    reconcile_collection(facts.id, now=OVER)
    provider.control.pay_in(facts.reference, 400)
    queried, now = [], OVER
    while (ask_at := stored(facts).ask_at) is not None:
        now = ask_at
        assert sweep_collections(now=now) == 1
        queried.append(round((now - NOW - DAY) / timedelta(hours=1)))

    assert queried == [1, 2, 4, 8, 17, 33, 66, 132, 168]
    assert balances(facts) == ("expired", 0, 0, 4_384_303, 400)
    assert _breaches() == []


def test_opening_whose_answer_was_lost_opens_one_request(provider: FrancProcess) -> None:
    provider.control.script("open_collection", "lost-after-accept")
    with pytest.raises(CollectorUnavailable):
        asked()

    facts = asked()

    provider.control.pay_in(facts.reference, 913)
    reconcile_collection(facts.id, now=NOW + MINUTE)
    assert balances(facts) == ("settled", 0, DUE_MSAT, 0, 913)


def _breaches() -> list[str]:
    scope = AuditScope(now=NOW)
    return [found.detail for rule in INVARIANTS for found in rule.find(scope)]
