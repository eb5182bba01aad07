"""Receipts issued at once on MariaDB, a connection per caller: each number once, none skipped, one per payment."""

import threading
from functools import partial

import pytest
from django.db import connection, transaction

from sunusav.core.roles import Role
from tests.factories.payouts import NOW
from tests.factories.receipts import set_issuer
from tests.factories.users import make_user
from tests.payouts.test_issued_receipts import audit, issue, settled_contribution
from tests.support.at_once import at_once
from tests.support.locks import wait_until_blocked
from transfers.models import IssuedReceipt, ReceiptLink
from transfers.services.receipt_links import open_receipt_link

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


def test_sixteen_receipts_at_once_are_numbered_without_gaps() -> None:
    set_issuer(now=NOW)
    keys = [settled_contribution().pk for _ in range(8)]

    answers = at_once([partial(issue, "contribution", key) for key in keys * 2])

    assert {receipt.number for receipt in answers} == {f"COT-2026-{count:06}" for count in range(1, 9)}
    assert IssuedReceipt.objects.count() == len(keys)
    assert list(audit()) == []


def test_second_connection_waits_for_the_first_and_takes_the_number_that_it_gave_back() -> None:
    set_issuer(now=NOW)
    first, second = settled_contribution(), settled_contribution()

    numbers: list[str] = []

    def issue_second() -> None:
        try:
            numbers.append(issue("contribution", second.pk).number)
        finally:
            connection.close()

    other = threading.Thread(target=issue_second)
    with transaction.atomic():
        assert issue("contribution", first.pk).number == "COT-2026-000001"
        other.start()
        wait_until_blocked(connection)
        transaction.set_rollback(True)
    other.join()

    assert numbers == ["COT-2026-000001"]
    assert issue("contribution", first.pk).number == "COT-2026-000002"


def test_callers_at_once_get_one_link() -> None:
    set_issuer(now=NOW)
    owed, user = settled_contribution(), make_user(Role.PLATFORM)
    open_link = partial(open_receipt_link, kind="contribution", key=owed.pk, user=user, now=NOW)

    answers = at_once([open_link] * 8)

    assert len({link.token for link in answers}) == 1
    assert ReceiptLink.objects.count() == 1
