"""Collections between sats and francs, with numbers worked by hand.

At 9,123,457 XOF per BTC, 10,000 sats are collected as 913 XOF, which are worth 10,007,171 msat; 400 XOF are worth
4,384,303 msat, 100 XOF 1,096,075.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from ledger.enums import AccountRole, Currency
from ledger.errors import AmountNotConvertible, RateNotFresh
from ledger.models import CurrencyConversion, ExchangeRate, JournalTransaction
from ledger.queries import balance, owed
from ledger.types import AccountRef, msat, xof
from sunusav.core.auditing import AuditScope, Breach
from sunusav.core.privacy import PersonErased, erase
from tests.ledger.builders import POSITION_MSAT, POSITION_XOF, stored_rate
from tests.support.leaks import every_log_line
from tests.transfers.builders import BY, NODE, NOW
from tests.transfers.collecting import CREDIT, DUE_MSAT, OVERPAID, opened, received, stored
from tests.transfers.rails import FrancSteeredCollector
from tests.transfers.unchanged import unchanged
from transfers.booking import ROUNDING as RESIDUE
from transfers.errors import (
    CollectionCurrencyDiffers,
    CollectionSettled,
    CollectorNeedsPhone,
    CollectorTakesNoPhone,
    CollectorUnavailable,
)
from transfers.invariants import INVARIANTS
from transfers.models import Collection, Receipt
from transfers.receipt_booking import clearing_of
from transfers.services.cancellations import cancel_collection
from transfers.services.collections import open_collection, reconcile_collection
from transfers.services.receipts import record_receipt
from transfers.types import CollectionFacts

pytestmark = pytest.mark.django_db

FLOAT = AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, "franc")
INCOME = AccountRef(AccountRole.SUBSCRIPTION_INCOME, Currency.XOF)
OVER = NOW + timedelta(days=1, minutes=2)
PHONE = "+221771234567"
ASKED_XOF, EXTRA_MSAT, RESIDUE_MSAT = 913, 10_007_171, 7_171


@pytest.fixture(autouse=True)
def rate(db: None) -> ExchangeRate:
    return stored_rate("9123457", at=NOW - timedelta(minutes=1))


@pytest.fixture(autouse=True)
def audited(rate: ExchangeRate) -> object:
    """Whatever a test did, nothing about receipts, clearing or rates is wrong afterwards."""
    yield
    assert breaches() == []


def breaches() -> list[Breach]:
    scope = AuditScope(now=NOW)
    return [breach for invariant in INVARIANTS for breach in invariant.find(scope)]


def asked(**changes: object) -> CollectionFacts:
    """Ask for 10,000 sats in francs."""
    return opened(method="franc", **changes)  # type: ignore[arg-type]


def price(method: str, *, due_xof: int = 500, now: datetime = NOW) -> CollectionFacts:
    """Ask for a price in francs."""
    return open_collection(
        subject="charge:1", due=xof(due_xof), method=method, credit=INCOME, overpaid=OVERPAID, memo="a plan",
        actor=BY, now=now,
    )  # fmt: skip


def held(facts: CollectionFacts) -> int:
    return owed(clearing_of(facts.id, facts.amount.currency))


# Opening


def test_open_sats_by_a_collector_in_francs_asks_for_their_worth_rounded_up(
    franc_collector: FrancSteeredCollector, rate: ExchangeRate
) -> None:
    facts = asked()

    assert (facts.amount, facts.due, facts.received) == (xof(ASKED_XOF), msat(DUE_MSAT), xof(0))
    (request,) = franc_collector.requests.values()
    assert (request.collection_id, request.amount, request.phone) == (facts.id, xof(ASKED_XOF), "")
    row = stored(facts)
    assert (row.account_role, row.account_owner, row.rate_id) == ("partner_float", "franc", rate.pk)
    conversion = CurrencyConversion.objects.get()
    assert (conversion.kind, conversion.amount_msat, conversion.amount_xof) == ("collection", DUE_MSAT, 913)
    assert (row.conversion_id, conversion.rate_id) == (conversion.pk, rate.pk)


def test_open_a_price_in_francs_by_lightning_asks_for_its_worth_rounded_down() -> None:
    """At 8,000,000: 500 XOF are 6,250 sats."""
    stored_rate("8000000", at=NOW)
    facts = price("lightning")
    assert (facts.amount, facts.due) == (msat(6_250_000), xof(500))
    assert CurrencyConversion.objects.get().kind == "price"


def test_open_a_price_in_francs_by_a_collector_in_francs_converts_nothing_and_keeps_the_rate(
    rate: ExchangeRate,
) -> None:
    facts = price("franc")
    assert (facts.amount, facts.due) == (xof(500), xof(500))
    assert (stored(facts).conversion_id, stored(facts).rate_id) == (None, rate.pk)
    assert CurrencyConversion.objects.count() == 0


def test_open_sats_by_lightning_needs_no_rate(settings: Settings) -> None:
    settings.FALLBACK_RATE_MOVES_FRANCS = False
    facts = opened(now=NOW + timedelta(days=9))
    assert (stored(facts).conversion_id, stored(facts).rate_id) == (None, None)


@pytest.mark.parametrize("method", ["franc", "lightning"])
def test_open_without_a_fresh_rate_is_refused(settings: Settings, method: str) -> None:
    settings.FALLBACK_RATE_MOVES_FRANCS = False
    later = NOW + timedelta(hours=1)
    price("franc" if method == "lightning" else "lightning")
    Collection.objects.all().delete()
    with pytest.raises(RateNotFresh):
        price(method, now=later)
    assert Collection.objects.count() == 0


def test_open_again_at_another_rate_returns_the_same_request() -> None:
    first = asked()
    stored_rate("8000000", at=NOW)
    with unchanged():
        assert asked() == first


def test_open_again_after_an_outage_asks_for_what_was_fixed_first(
    franc_collector: FrancSteeredCollector,
) -> None:
    with franc_collector.unavailable(), pytest.raises(CollectorUnavailable):
        asked(phone=PHONE)
    stored_rate("8000000", at=NOW)

    facts = asked()

    assert facts.amount == xof(ASKED_XOF)
    (request,) = franc_collector.requests.values()
    assert (request.amount, request.phone) == (xof(ASKED_XOF), PHONE)


def test_open_a_price_below_one_sat_is_refused() -> None:
    """At 6,500,000,000 XOF per BTC a franc is worth a hundredth of a sat."""
    stored_rate("6500000000", at=NOW)
    with pytest.raises(AmountNotConvertible) as error:
        price("lightning", due_xof=1)
    assert error.value.facts == {"amount": 1, "currency": "XOF"}
    assert (Collection.objects.count(), CurrencyConversion.objects.count()) == (0, 0)


# The payer's phone


def test_phone_goes_to_the_collector_alone(franc_collector: FrancSteeredCollector) -> None:
    with every_log_line() as lines:
        facts = asked(phone=PHONE)

    (request,) = franc_collector.requests.values()
    assert request.phone == PHONE
    row = stored(facts)
    assert row.sealed_phone is not None
    assert PHONE.encode() not in bytes(row.sealed_phone)
    assert PHONE not in repr(request)
    assert not [line for line in lines if PHONE in line]


def test_phone_of_an_erased_person_is_gone(franc_collector: FrancSteeredCollector) -> None:
    with franc_collector.unavailable(), pytest.raises(CollectorUnavailable):
        asked(phone=PHONE)
    erase(OVERPAID.owner, now=NOW)
    with pytest.raises(PersonErased):
        asked()


def test_phone_is_refused_by_a_collector_that_needs_none() -> None:
    with unchanged(), pytest.raises(CollectorTakesNoPhone) as error:
        opened(phone=PHONE)
    assert error.value.facts == {"method": "lightning"}


def test_request_without_a_phone_is_refused_where_the_payer_is_asked_by_phone(
    franc_collector: FrancSteeredCollector,
) -> None:
    franc_collector.needs_phone = True

    with unchanged(), pytest.raises(CollectorNeedsPhone) as error:
        asked()
    assert error.value.facts == {"method": "franc"}

    assert asked(phone=PHONE).state == "open"


# Receiving


def test_exact_francs_credit_the_sats_due_and_keep_the_excess_as_residue() -> None:
    facts = asked()

    assert received(facts)

    assert (stored(facts).state, stored(facts).received) == ("settled", 913)
    assert (owed(CREDIT), owed(OVERPAID), owed(RESIDUE)) == (DUE_MSAT, 0, RESIDUE_MSAT)
    assert (balance(FLOAT), balance(POSITION_XOF), balance(POSITION_MSAT)) == (913, -913, EXTRA_MSAT)
    assert Receipt.objects.get().use == "complete"


def test_francs_above_what_was_asked_become_credit_at_the_rate_of_the_request() -> None:
    facts = asked()
    stored_rate("8000000", at=NOW)

    received(facts, 1_013)

    assert (owed(CREDIT), owed(OVERPAID), owed(RESIDUE)) == (DUE_MSAT, 1_096_075, RESIDUE_MSAT)


def test_part_then_the_rest_completes_it() -> None:
    facts = asked()

    received(facts, 400, payment="a")
    assert (stored(facts).state, held(facts), owed(CREDIT), balance(FLOAT)) == ("partial", 400, 0, 400)
    received(facts, 513, payment="b")

    assert (stored(facts).state, held(facts), balance(FLOAT)) == ("settled", 0, 913)
    assert (owed(CREDIT), owed(OVERPAID), owed(RESIDUE)) == (DUE_MSAT, 0, RESIDUE_MSAT)
    assert list(Receipt.objects.order_by("pk").values_list("use", flat=True)) == ["part", "complete"]


def test_part_then_the_expiry_credits_the_part_and_frees_the_subject(
    franc_collector: FrancSteeredCollector,
) -> None:
    facts = asked()
    received(facts, 400, payment="a")
    stored_rate("8000000", at=NOW)
    franc_collector.cancelled.add(facts.reference)

    reconcile_collection(facts.id, now=OVER)

    assert (stored(facts).state, held(facts), owed(CREDIT)) == ("expired", 0, 0)
    assert (owed(OVERPAID), owed(RESIDUE)) == (4_384_303, 0)
    booked = JournalTransaction.objects.get(kind="parts_credited")
    assert (stored(facts).parts_transaction, booked.reference) == (booked, f"collection_end:{facts.id}")
    stored_rate("8000000", at=OVER)
    assert asked(now=OVER).amount == xof(800)


def test_late_francs_after_the_expiry_are_all_the_payers(franc_collector: FrancSteeredCollector) -> None:
    facts = asked()
    franc_collector.cancelled.add(facts.reference)
    reconcile_collection(facts.id, now=OVER)

    received(facts, now=OVER)

    assert (stored(facts).state, owed(CREDIT), owed(OVERPAID)) == ("expired", 0, EXTRA_MSAT)
    assert Receipt.objects.get().use == "extra"


def test_the_same_payment_reported_twice_counts_once() -> None:
    facts = asked()
    received(facts, payment="a")
    with unchanged():
        assert not received(facts, payment="a")


def test_two_payments_of_the_whole_amount_credit_the_second_to_the_payer() -> None:
    facts = asked()
    received(facts, payment="a")

    assert received(facts, payment="b")

    assert (owed(CREDIT), owed(OVERPAID), balance(FLOAT)) == (DUE_MSAT, EXTRA_MSAT, 2 * 913)


def test_payment_of_a_cancelled_request_is_the_payers() -> None:
    facts = asked()
    cancel_collection(collection_id=facts.id, actor=BY, reason="by Lightning instead", now=NOW)
    other = opened()

    received(facts)

    assert (stored(facts).state, owed(OVERPAID), owed(CREDIT)) == ("cancelled", EXTRA_MSAT, 0)
    received(other)
    assert owed(CREDIT) == DUE_MSAT


def test_cancel_of_a_request_paid_in_part_credits_the_part() -> None:
    facts = asked()
    received(facts, 400, payment="a")

    cancel_collection(collection_id=facts.id, actor=BY, reason="by Lightning instead", now=NOW)

    assert (stored(facts).state, held(facts), owed(OVERPAID)) == ("cancelled", 0, 4_384_303)


def test_price_in_francs_paid_in_sats_is_income_in_francs() -> None:
    """At 8,000,000: 6,250 sats pay 500 XOF, and 7 msat more are the payer's."""
    stored_rate("8000000", at=NOW)
    facts = price("lightning")

    received(facts, 6_250_007)

    assert (owed(INCOME), owed(OVERPAID), balance(NODE)) == (500, 7, 6_250_007)
    assert (balance(POSITION_XOF), balance(POSITION_MSAT), owed(RESIDUE)) == (500, -6_250_000, 0)
    with pytest.raises(CollectionSettled):
        price("lightning")


def test_price_in_francs_paid_in_francs_converts_what_was_not_asked_for() -> None:
    facts = price("franc")

    received(facts, 600)

    assert (owed(INCOME), owed(OVERPAID), balance(FLOAT)) == (500, 1_096_075, 600)


def test_payment_in_another_currency_is_refused() -> None:
    facts = asked()
    with unchanged(), pytest.raises(CollectionCurrencyDiffers) as error:
        record_receipt(
            method="franc", reference=facts.reference, received=msat(913), proof="", received_at=NOW, now=NOW
        )
    assert error.value.facts == {"collection_id": facts.id, "currency": "XOF", "received_currency": "msat"}


def test_equal_references_of_two_providers_are_two_payments() -> None:
    first, second = asked(), opened("contribution:2")

    assert received(first, payment="42")
    assert received(second, payment="42")

    assert owed(CREDIT) == 2 * DUE_MSAT
