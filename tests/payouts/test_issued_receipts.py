"""Receipts that members keep: issued once, numbered without gaps, with the amounts of the books, fixed for good."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from pytest_django import Settings

from ledger.types import xof
from payouts.errors import (
    ContributionNotSettled,
    ContributionUnknown,
    PayoutMissing,
    PayoutNotCompleted,
    RefundMissing,
    RefundNotCompleted,
)
from payouts.models import Contribution, Group
from payouts.services.contributions import open_contribution
from payouts.services.cycles import set_destination
from payouts.services.endings import cancel_cycle, close_cycle_short
from payouts.services.refunds import request_refund
from sunusav.core.auditing import AuditScope
from sunusav.core.models import TrailEntry
from tests.factories.payouts import (
    ACTOR,
    NOW,
    make_cycle,
    make_group,
    make_payable_cycle,
    pay_contribution,
    process,
)
from tests.factories.receipts import ISSUER, set_issuer, set_tax_rate
from tests.fakes.rail import FakeInvoice, invoice
from tests.ledger.builders import stored_rate
from transfers.collection_queries import collections_for
from transfers.collectors import collector
from transfers.document_errors import IssuerMissing, ReceiptKindUnknown
from transfers.engine.runner import run_due
from transfers.invariants import issued
from transfers.models import AdoptedTaxRate, IssuedReceipt
from transfers.services.issuing import issue_receipt
from transfers.services.receipts import record_receipt
from transfers.types import IssuedReceiptFacts, IssuerFacts

pytestmark = pytest.mark.django_db


def paid_payout(*, net_sats: int = 99_000, group: Group | None = None) -> int:
    payout_id = process(make_payable_cycle(group, net_sats=net_sats))
    run_due(slots=1, clock=lambda: NOW)
    return payout_id


def settled_contribution() -> Contribution:
    cycle = make_cycle(make_group(members=2))
    pay_contribution(cycle, "user-1")
    return Contribution.objects.get(cycle=cycle, user_id="user-1")


def issue(kind: str, key: int, *, now: datetime = NOW) -> IssuedReceiptFacts:
    return issue_receipt(kind=kind, key=key, actor=ACTOR, now=now)


def audit() -> Iterator[tuple[str, str]]:
    for check in (issued.numbers_have_no_gaps, issued.receipts_are_as_booked, issued.two_people_adopted):
        for scope in (AuditScope(NOW), AuditScope(NOW, since=NOW)):
            yield from ((breach.invariant, breach.subject) for breach in check(scope))


def test_issue_receipt_of_payout_has_the_amounts_of_the_books() -> None:
    """A pot of 100,000 sats: fee 1,000 = 500 + 200 + 300, net 99,000. Of 1,000 with 18 % tax, 152 are the tax."""
    stored_rate("9000000", at=NOW)
    set_issuer(now=NOW)
    set_tax_rate(1_800, now=NOW)
    payout_id = paid_payout()

    receipt = issue("payout", payout_id)

    assert (receipt.number, receipt.subject) == ("PAY-2026-000001", f"disbursement:{payout_id}")
    assert (receipt.issued_at, receipt.issuer) == (NOW, ISSUER)
    assert (receipt.tax_rate_bps, receipt.tax_sats) == (1_800, 152)
    amounts = {name: value for name, value in receipt.facts.items() if name.endswith("_sats")}
    assert amounts == {
        "payout_sats": 100_000, "fee_sats": 1_000, "platform_sats": 500, "community_sats": 200, "partner_sats": 300,
        "net_sats": 99_000,
    }  # fmt: skip
    assert Decimal(receipt.facts["rate_xof_per_btc"]) == 9_000_000
    assert list(audit()) == []


def test_issue_receipt_of_contribution_has_the_amount_that_came_into_the_pot() -> None:
    set_issuer(now=NOW)
    owed = settled_contribution()

    receipt = issue("contribution", owed.pk)

    assert (receipt.number, receipt.subject) == ("COT-2026-000001", f"contribution:{owed.pk}")
    assert (receipt.facts["amount_sats"], receipt.facts["user_id"]) == (10_000, "user-1")
    assert (receipt.facts["preimage"], receipt.facts["paid_xof"]) == ("00" * 32, None)
    assert (receipt.tax_rate_bps, receipt.tax_sats) == (0, 0)
    assert list(audit()) == []


def test_receipt_of_a_contribution_in_francs_shows_what_was_asked_for_and_its_rate(
    settings: Settings,
) -> None:
    """At 9,123,457, 10,000 sats are asked as 913 francs. Of 400 + 600 paid, 87 are the member's credit."""
    settings.COLLECTORS = {**settings.COLLECTORS, "wave": "tests.transfers.rails.FrancSteeredCollector"}
    collector.cache_clear()
    stored_rate("9123457", at=NOW)
    set_issuer(now=NOW)
    cycle = make_cycle(make_group(members=2))
    owed = open_contribution(
        cycle_id=cycle.pk, user_id="user-1", method="wave", phone="+221771234567", actor=ACTOR, now=NOW
    )
    request = collections_for([f"contribution:{owed.id}"])[f"contribution:{owed.id}"]
    for payment, amount in (("wave-1", 400), ("wave-2", 600)):
        record_receipt(
            method="wave", reference=request.reference, received=xof(amount), proof="", received_at=NOW, now=NOW,
            payment_reference=payment,
        )  # fmt: skip
    stored_rate("10000000", at=NOW)

    receipt = issue("contribution", owed.id)

    facts = receipt.facts
    assert (facts["amount_sats"], facts["paid_xof"], facts["method"]) == (10_000, 913, "wave")
    assert (facts["reference"], Decimal(facts["rate_xof_per_btc"])) == ("wave-1 wave-2", Decimal(9123457))
    assert len(facts["transactions"]) == 2
    assert list(audit()) == []


def test_issue_again_returns_the_same_receipt_whatever_has_changed() -> None:
    set_issuer(now=NOW)
    payout_id = paid_payout()
    first = issue("payout", payout_id)
    later = NOW + timedelta(days=1)
    set_issuer(IssuerFacts("SunuSàv Nouvelle", "Thiès", "0069999992A1"), now=later)
    set_tax_rate(1_800, now=later)
    Group.objects.update(name="Renamed")

    assert issue("payout", payout_id, now=later) == first
    assert IssuedReceipt.objects.count() == 1


def test_numbers_run_per_kind_and_per_year_of_dakar() -> None:
    set_issuer(now=NOW)
    members = [settled_contribution().pk for _ in range(3)]
    last_second = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)

    numbers = [
        issue("contribution", members[0]).number,
        issue("payout", paid_payout()).number,
        issue("contribution", members[1], now=last_second).number,
        issue("contribution", members[2], now=last_second + timedelta(seconds=1)).number,
    ]

    assert numbers == ["COT-2026-000001", "PAY-2026-000001", "COT-2026-000002", "COT-2027-000001"]


def test_rolled_back_receipt_leaves_no_gap() -> None:
    set_issuer(now=NOW)
    first, second = settled_contribution(), settled_contribution()

    with transaction.atomic():
        assert issue("contribution", first.pk).number == "COT-2026-000001"
        transaction.set_rollback(True)

    assert issue("contribution", second.pk).number == "COT-2026-000001"
    assert issue("contribution", first.pk).number == "COT-2026-000002"
    assert list(audit()) == []


def test_issue_is_in_the_trail_with_its_number() -> None:
    set_issuer(now=NOW)
    receipt = issue("contribution", settled_contribution().pk)

    line = TrailEntry.objects.get(subject=f"issued_receipt:{receipt.id}")
    assert (line.action, line.facts) == ("issue", {"number": receipt.number, "subject": receipt.subject})


def test_issue_without_issuer_is_refused_and_takes_no_number() -> None:
    owed = settled_contribution()
    set_issuer(now=NOW, effective_at=NOW + timedelta(days=2))

    with pytest.raises(IssuerMissing) as refused:
        issue("contribution", owed.pk, now=NOW + timedelta(days=1))

    assert refused.value.facts == {"kind": "contribution"}
    assert not IssuedReceipt.objects.exists()
    assert issue("contribution", owed.pk, now=NOW + timedelta(days=2)).number == "COT-2026-000001"


def test_issue_for_what_is_not_paid_is_refused() -> None:
    set_issuer(now=NOW)
    cycle = make_cycle(make_group(members=2))
    owed = Contribution.objects.filter(cycle=cycle).first()
    assert owed is not None
    waiting = process(make_payable_cycle())

    for kind, key, refusal in [
        ("payout", waiting, PayoutNotCompleted),
        ("payout", 10**9, PayoutMissing),
        ("contribution", owed.pk, ContributionNotSettled),
        ("contribution", 10**9, ContributionUnknown),
        ("gift", 1, ReceiptKindUnknown),
    ]:
        with pytest.raises(refusal):
            issue(kind, key)

    assert not IssuedReceipt.objects.exists()


def test_rate_of_a_tax_is_zero_until_two_people_set_one_and_applies_from_its_moment() -> None:
    set_issuer(now=NOW)
    set_tax_rate(1_800, now=NOW, effective_at=NOW + timedelta(hours=1))
    group = make_group()
    before, after = paid_payout(group=group), paid_payout(group=group)

    early, late = issue("payout", before), issue("payout", after, now=NOW + timedelta(hours=1))

    assert [(row.tax_rate_bps, row.tax_sats) for row in (early, late)] == [(0, 0), (1_800, 152)]
    assert AdoptedTaxRate.objects.get().effective_at == NOW + timedelta(hours=1)


def test_receipt_names_no_person() -> None:
    set_issuer(now=NOW)
    receipts = [issue("payout", paid_payout()), issue("contribution", settled_contribution().pk)]

    written = repr([receipt.facts for receipt in receipts])

    assert "Awa" not in written
    assert "22177" not in written


# Credit, refunds and cycles that ended early


def test_receipt_of_a_contribution_that_credit_paid_says_so_and_adds_up() -> None:
    """Credit of 4,000 pays a part of 10,000, and all of the next 4,000."""
    set_issuer(now=NOW)
    group = make_group(members=2)
    first = make_cycle(group, contribution_sats=4_000)
    pay_contribution(first, "user-0")
    returned = Contribution.objects.get(cycle=first, user_id="user-0")
    whole_facts = issue("contribution", returned.pk).facts
    cancel_cycle(cycle_id=first.pk, reason="dissolved", actor=ACTOR, now=NOW)
    covered = make_cycle(group, contribution_sats=4_000)
    owed = open_contribution(cycle_id=covered.pk, user_id="user-0", method="lightning", actor=ACTOR, now=NOW)

    facts = issue("contribution", owed.id).facts

    assert whole_facts["credit_used_sats"] is None
    assert (facts["amount_sats"], facts["credit_used_sats"], facts["method"]) == (
        4_000,
        4_000,
        "member_credit",
    )
    assert "payment_hash" not in facts
    assert len(facts["transactions"]) == 1
    assert list(audit()) == []


def test_receipt_of_a_refund_has_its_amount_and_proof() -> None:
    set_issuer(now=NOW)
    cycle = make_cycle(make_group(members=2))
    pay_contribution(cycle, "user-0")
    cancel_cycle(cycle_id=cycle.pk, reason="dissolved", actor=ACTOR, now=NOW)
    refund_id = request_refund(
        user_id="user-0", amount_sats=10_000, destination=invoice("awa", 10_000), reason="left", actor=ACTOR,
        now=NOW,
    )  # fmt: skip
    with pytest.raises(RefundNotCompleted) as error:
        issue("refund", refund_id)
    assert error.value.facts == {"refund_id": refund_id, "refund_status": "processing"}
    run_due(slots=1, clock=lambda: NOW)

    issued_receipt = issue("refund", refund_id)

    assert issued_receipt.number == "REM-2026-000001"
    facts = issued_receipt.facts
    assert (facts["amount_sats"], facts["paid_xof"], facts["rail"]) == (10_000, None, "lightning")
    assert facts["preimage"] == FakeInvoice("awa", 10_000_000).preimage.hex()
    assert list(audit()) == []
    with pytest.raises(RefundMissing):
        issue("refund", refund_id + 1)


def test_receipt_of_a_cycle_closed_short_says_how_many_paid() -> None:
    """Two of three paid 10,000: pot 20,000, fee 200, net 19,800."""
    set_issuer(now=NOW)
    cycle = make_cycle(make_group(members=3))
    for user_id in ("user-0", "user-1"):
        pay_contribution(cycle, user_id)
    close_cycle_short(cycle_id=cycle.pk, reason="one left", actor=ACTOR, now=NOW)
    set_destination(cycle_id=cycle.pk, destination=invoice("awa", 19_800), actor=ACTOR, now=NOW)
    payout_id = process(cycle)
    run_due(slots=1, clock=lambda: NOW)

    facts = issue("payout", payout_id).facts

    assert (facts["short"], facts["payout_sats"], facts["net_sats"]) == ("2 / 3", 20_000, 19_800)
    assert list(audit()) == []
