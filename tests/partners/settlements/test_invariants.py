"""The audit of settlements: green after every course, red by name for what was changed behind its back."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from fees.models import FeeRecord
from partners.models import ApprovedSettlement, Settlement, SettlementBankPayment
from partners.settlements.invariants import INVARIANTS
from partners.settlements.services.payments import Approved, execute_settlement
from sunusav.core.auditing import AuditScope
from sunusav.core.models import User
from tests.factories.receipts import set_issuer
from tests.factories.settlements import (
    BY,
    IN_OCTOBER,
    ON_THE_FIRST,
    account_in_use,
    accrue,
    approved,
    closed,
    rate_of,
    worked_example,
)
from tests.fees.builders import checks_off
from tests.partners.settlements.test_payments import fund_bank, pay_by_bank
from tests.support.triggers import without_triggers
from tests.transfers.builders import run
from tests.transfers.rails import Watch
from transfers.models import Disbursement, IssuedReceipt
from transfers.services.issuing import issue_receipt

pytestmark = pytest.mark.django_db(transaction=True)
LATER = ON_THE_FIRST + timedelta(days=40)


def found(**scope: Any) -> set[tuple[str, str]]:
    audited = AuditScope(now=LATER, **scope)
    return {(one.invariant, one.subject) for rule in INVARIANTS for one in rule.find(audited)}


@pytest.fixture
def history(finance: User) -> list[Settlement]:
    """October is paid by the rail, November by the bank; something has accrued since."""
    rate_of("8000000")
    worked_example()
    account_in_use()
    october = closed()
    execute_settlement(settlement_id=october.pk, seen=approved(october), user=finance, now=ON_THE_FIRST)
    run(Watch(ON_THE_FIRST))
    accrue(1_000_000, at=ON_THE_FIRST)
    november = closed(now=LATER)
    fund_bank()
    seen: Approved = approved(november)
    pay_by_bank((november, seen), finance)
    accrue(100_000, at=LATER)
    return [october, november]


def test_audit_is_green_after_payments_by_rail_and_bank(history: list[Settlement]) -> None:
    assert found() == found(since=LATER - timedelta(days=1)) == set()


def _change(model: type[Any], **values: Any) -> Callable[[list[Settlement]], object]:
    return lambda _history: model.objects.filter(pk=model.objects.earliest("pk").pk).update(**values)


CORRUPTIONS: dict[str, tuple[Callable[[list[Settlement]], object], set[str]]] = {
    "a fee of the window": (_change(FeeRecord, partner_sats=39, platform_sats=60), {"I10"}),
    "a rate of the window": (_change(FeeRecord, rate_xof_per_btc=Decimal(9_000_000)), {"I10"}),
    "another partner": (_change(FeeRecord, settlement_partner="orange"), {"I10"}),
    "what is due": (_change(Settlement, due_xof=248), {"I10"}),
    "what is carried on": (_change(Settlement, residue_xof=Decimal("0.93")), {"I10"}),
    "the end of the window": (_change(Settlement, period_end=LATER), {"I10"}),
    "the records of the window": (_change(Settlement, through_record_id=1), {"I10"}),
    "the amount of the payment": (_change(Disbursement, pay_xof=248), {"I10"}),
    "an approver": (lambda _history: _by_the_proposer(), {"I16"}),
    "the bank's settlement": (lambda history: _to(history[0]), {"I08b", "I10", "I08"}),
}


def _by_the_proposer() -> None:
    row = ApprovedSettlement.objects.earliest("pk")
    ApprovedSettlement.objects.filter(pk=row.pk).update(approver_id=row.proposer_id)


def _to(other: Settlement) -> None:
    SettlementBankPayment.objects.update(settlement=other)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_audit_names_what_was_changed(name: str, history: list[Settlement]) -> None:
    corrupt, codes = CORRUPTIONS[name]
    with without_triggers(connection), checks_off():
        corrupt(history)
        breaches = found()
    assert breaches, "nothing was found"
    assert {code for code, _subject in breaches} <= codes


@pytest.mark.parametrize("fact", ["due_xof", "accrued_exactly", "partner_name", "settlement_id"])
def test_statement_that_says_something_else_is_found(finance: User, fact: str) -> None:
    rate_of("8000000")
    worked_example()
    set_issuer(now=IN_OCTOBER)
    row = closed(proposer=finance)
    issue_receipt(kind="settlement", key=row.pk, actor=BY, now=ON_THE_FIRST)
    statement = IssuedReceipt.objects.get()
    assert found() == found(since=ON_THE_FIRST) == set()

    with without_triggers(connection):
        IssuedReceipt.objects.update(facts={**statement.facts, fact: "another"})

    assert found() == found(since=ON_THE_FIRST) == {("I10", f"issued_receipt:{statement.pk}")}
