"""What the audit names when issued receipts, or who set their terms, were tampered with."""

from collections.abc import Iterator

import pytest
from django.db import connection

from sunusav.core.roles import Role
from tests.factories.payouts import NOW
from tests.factories.receipts import set_issuer, set_tax_rate
from tests.factories.users import make_user
from tests.payouts.test_issued_receipts import audit, issue, paid_payout, settled_contribution
from tests.support.tampering import sql
from tests.support.triggers import without_triggers

# To drop triggers commits on MySQL and MariaDB.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unguarded() -> Iterator[None]:
    with without_triggers(connection):
        yield


def test_audit_names_each_receipt_that_was_tampered_with(unguarded: None) -> None:
    set_issuer(now=NOW)
    first, second = (issue("contribution", settled_contribution().pk) for _ in range(2))
    assert list(audit()) == []

    sql("UPDATE transfers_issuedreceipt SET number = 'COT-2026-000009' WHERE id = %s", first.id)
    sql(
        "UPDATE transfers_issuedreceipt SET facts = REPLACE(facts, '10000', '90000') WHERE id = %s", second.id
    )

    assert set(audit()) == {("I30b", f"issued_receipt:{first.id}"), ("I30b", f"issued_receipt:{second.id}")}


def test_audit_names_a_gap_in_the_numbers(unguarded: None) -> None:
    set_issuer(now=NOW)
    first, _ = (issue("contribution", settled_contribution().pk) for _ in range(2))

    sql("DELETE FROM transfers_issuedreceipt WHERE id = %s", first.id)

    assert set(audit()) == {("I30", "receipts:contribution:2026")}


def test_audit_names_another_tax_than_that_of_the_rate(unguarded: None) -> None:
    set_issuer(now=NOW)
    set_tax_rate(1_800, now=NOW)
    receipt = issue("payout", paid_payout())

    sql("UPDATE transfers_issuedreceipt SET tax_sats = 153 WHERE id = %s", receipt.id)

    assert set(audit()) == {("I30b", f"issued_receipt:{receipt.id}")}


def test_audit_names_an_issuer_and_a_rate_that_another_approver_set(unguarded: None) -> None:
    issuer, rate = set_issuer(now=NOW), set_tax_rate(1_800, now=NOW)
    other = make_user(Role.APPROVER)

    sql("UPDATE transfers_adoptedissuer SET approver_id = %s WHERE id = %s", other.pk, issuer.pk)
    sql("UPDATE transfers_adoptedtaxrate SET approver_id = %s WHERE id = %s", other.pk, rate.pk)

    assert set(audit()) == {
        ("I16", f"receipt_issuer:{issuer.issuer_id}"),
        ("I16", f"receipt_tax_rate:{rate.tax_rate_id}"),
    }
