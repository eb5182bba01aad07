"""Payments, money received, returns and movements are expected in the statements of their partner, and of the bank."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from pytest_django import Settings

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef
from tests.factories.statements import imported, make_format, open_ones
from tests.factories.treasury import BANK, WAVE, book, opening
from tests.fakes.franc_rail import ScriptedFrancRail, phone
from tests.fakes.rail import ScriptedRail
from tests.ledger.builders import stored_rate
from tests.transfers.builders import NOW, ordered, run
from tests.transfers.collecting import opened, received
from tests.transfers.rails import Watch
from transfers.enums import TreasuryKind
from transfers.models import Attempt, MatchedExpectation, Receipt
from transfers.rails import rail
from transfers.services.reversals import book_provider_reversal
from transfers.statements.sources import expected_within, known_sources
from transfers.types import ExpectedLine, Movement, Reversed

pytestmark = pytest.mark.django_db

CREDIT = AccountRef(AccountRole.MEMBER_CREDIT, Currency.MSAT, "member:awa")
MARCH = {"since": date(2026, 3, 1), "through": date(2026, 3, 31)}


class FrancRail(ScriptedRail):
    """A partner that holds francs for us."""

    name = "wave"
    account = WAVE
    cost_account = WAVE


@pytest.fixture(autouse=True)
def wave(settings: Settings) -> Iterator[None]:
    settings.RAILS = {**settings.RAILS, "wave": f"{__name__}.FrancRail"}
    rail.cache_clear()
    yield
    rail.cache_clear()


def expected(source: str) -> list[tuple[str, tuple[str, ...], Decimal, str]]:
    found: list[ExpectedLine] = expected_within(source, **MARCH)
    return [(one.key, one.references, one.amount_xof, one.subject) for one in found]


def test_sources_are_partners_in_francs_and_the_bank() -> None:
    assert known_sources() == ["bank", "franc", "wave"]


def test_movement_is_expected_where_it_changes_the_balance() -> None:
    book(opening(BANK, 10_000), now=NOW)
    top_up = Movement(TreasuryKind.FLOAT_TOP_UP, WAVE, 4_000, cost=50)
    row = book(top_up, now=NOW, reference="T 1")

    key, subject = f"movement:{row.movement_id}", f"treasury_movement:{row.movement_id}"
    assert expected("wave") == [(key, ("T 1",), Decimal(4_000), subject)]
    assert expected("bank") == [(key, ("T 1",), Decimal(-4_050), subject)]


def test_movement_of_another_partner_and_balances_that_were_found_are_not_expected() -> None:
    book(opening(WAVE, 10_000), now=NOW)
    book(Movement(TreasuryKind.SHORTFALL, WAVE, 5), now=NOW, reference="lost")

    assert (expected("wave"), expected("bank")) == ([], [])


def test_shortfall_explains_a_line_of_its_reference() -> None:
    book(opening(WAVE, 10_000), now=NOW)
    make_format(now=NOW)
    book(Movement(TreasuryKind.SHORTFALL, WAVE, 5), now=NOW, reference="lost")

    assert imported(("lost", "-5"), now=NOW).found == {"matched": 1}


def test_statement_of_a_partner_matches_a_movement_once() -> None:
    book(opening(BANK, 10_000), now=NOW)
    row = book(Movement(TreasuryKind.FLOAT_TOP_UP, WAVE, 4_000), now=NOW, reference="T 1")
    for source in ("bank", "wave"):
        make_format(now=NOW, source=source)
    imported(("T 1", "4000"), now=NOW, through=date(2026, 3, 4))
    imported(("T 1", "-3999"), now=NOW, source="bank", through=date(2026, 3, 4))

    matched = MatchedExpectation.objects.get()
    assert (matched.source, matched.key) == ("wave", f"movement:{row.movement_id}")
    assert [(one.source, one.code, one.at_stake_xof) for one in open_ones().values()] == [
        ("bank", "statement_mismatched", Decimal(1))
    ]


def test_payment_and_its_return_are_expected_under_the_references_of_the_provider(
    francs: ScriptedFrancRail, watch: Watch
) -> None:
    """The net of 99,000 sats is 7,920 F at 8,000,000 XOF per BTC."""
    stored_rate("8000000", at=NOW)
    disbursement_id = ordered(destination=phone("+221770000001"), residue=CREDIT)
    run(watch)
    attempt = Attempt.objects.get()
    reference, subject = f"franc-{disbursement_id}", f"disbursement:{disbursement_id}"

    paid = (f"attempt:{attempt.pk}", (reference, attempt.proof), Decimal(-7_920), subject)
    assert (expected("franc"), expected("wave"), expected("bank")) == ([paid], [], [])

    returned = Reversed("back-1", attempt.order.money(7_920), NOW)
    assert book_provider_reversal(attempt.pk, returned, now=NOW)
    back = ("reversal", ("back-1", reference), Decimal(7_920), subject)
    assert [one[1:] for one in expected("franc")] == [paid[1:], back[1:]]
    make_format(now=NOW, source="franc")
    found = imported(
        (attempt.proof, "-7920", "2026-03-04"), ("back-1", "7920", "2026-03-04"), now=NOW, source="franc",
        through=date(2026, 3, 4),
    ).found  # fmt: skip
    assert found == {"matched": 2}
    assert expected("franc") == []


def test_money_received_is_expected_where_it_is_in_francs() -> None:
    """At 9,123,457 XOF per BTC, 10,000 sats are collected as 913 F."""
    stored_rate("9123457", at=NOW)
    received(opened("test:1"))
    asked = opened("test:2", method="franc", phone="+221771234567")
    received(asked)
    receipt = Receipt.objects.get(method="franc")

    references = (receipt.reference, asked.reference, receipt.proof)
    assert {source: expected(source) for source in known_sources()} == {
        "bank": [], "wave": [],
        "franc": [(f"receipt:{receipt.pk}", references, Decimal(913), f"collection:{asked.id}")],
    }  # fmt: skip
