"""The audit of members' credit: what somebody with the database's password could change is found by name."""

from collections.abc import Iterator

import pytest
from django.db import connection

from ledger.models import JournalTransaction
from ledger.services import post
from ledger.types import credit, debit
from tests.support.triggers import without_triggers
from tests.transfers.builders import NOW
from tests.transfers.test_credit import POT, SUBJECT, breaches, credited, returned, used
from transfers.models import CreditUse
from transfers.types import credit_of

# To drop triggers commits on MySQL and MariaDB.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def unguarded() -> Iterator[None]:
    """Tables without triggers, as somebody with the database's password can make them."""
    with without_triggers(connection):
        yield


def test_audit_finds_a_use_that_is_not_booked_as_one(unguarded: None) -> None:
    credited(10)
    used(4)
    JournalTransaction.objects.filter(kind="credit_used").update(kind="gift")
    assert breaches() == [f"I08 credit_use:{CreditUse.objects.get().pk}"]


def test_audit_finds_a_use_of_another_amount() -> None:
    credited(10)
    used(4)
    CreditUse.objects.update(amount_msat=5)
    assert breaches() == [f"I08b credit_use:{CreditUse.objects.get().pk}"]


def test_audit_finds_a_return_that_reverses_nothing_of_it(unguarded: None) -> None:
    credited(10)
    used(4)
    returned()
    JournalTransaction.objects.filter(kind="credit_returned").update(reverses=None)
    assert breaches() == [f"I08 credit_use:{CreditUse.objects.get().pk}"]


def test_audit_finds_a_use_in_the_books_alone() -> None:
    credited(10)
    booked = post(
        kind="credit_used", reference="x", lines=[debit(credit_of("awa"), 1), credit(POT, 1)], at=NOW,
        subject=SUBJECT,
    )  # fmt: skip
    assert breaches() == [f"I08 journal:{booked}"]
