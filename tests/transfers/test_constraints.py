"""What the constraints of transfers allow, and its append-only tables; `violations.py` lists what they forbid."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from tests.support.constraints import copy_of, refuses
from tests.transfers.builders import claimed
from tests.transfers.rails import Watch
from tests.transfers.unchanged import unchanged
from tests.transfers.violations import (
    admission,
    answer,
    booked,
    in_flight,
    limit,
    limit_request,
    link,
    match,
    mismatch,
    order,
    processing,
    receipt,
    resolution,
    resolved,
)
from transfers.models import Disbursement, WithdrawalLink

pytestmark = pytest.mark.django_db


def test_store_disbursement_beside_cancelled_one_of_its_subject_is_allowed() -> None:
    row = processing()

    copy_of(row, state="cancelled", hold_transaction_id=None).save(force_insert=True)

    assert Disbursement.objects.filter(subject=row.subject).count() == 2


def test_store_disbursement_whose_subject_differs_in_capitals_is_allowed() -> None:
    row = processing()

    copy_of(row, subject=row.subject.upper(), hold_transaction_id=booked("hold")).save(force_insert=True)

    assert Disbursement.objects.exclude(live_subject=None).count() == 2


def test_store_withdrawal_link_after_expired_one_is_allowed() -> None:
    row = link()
    WithdrawalLink.objects.update(state="expired")

    copy_of(row, secret_sha256="other").save(force_insert=True)

    assert WithdrawalLink.objects.exclude(live_subject=None).count() == 1


def test_store_second_live_attempt_of_claimed_disbursement_is_refused(watch: Watch) -> None:
    """The constraint holds whatever the claims say."""
    attempt = in_flight()
    watch.advance(60)
    claimed(attempt.disbursement_id, watch)

    with unchanged(), refuses("disbursement_one_live_attempt"):
        copy_of(attempt, number=7).save(force_insert=True)


@pytest.mark.parametrize(
    "build", [order, receipt, answer, resolution, resolved, admission, limit, limit_request, match, mismatch]
)
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_change_append_only_row_is_refused(build: Callable[[], Any], verb: str) -> None:
    row = build()
    table = row._meta.db_table
    statement = {
        "update": f"UPDATE {table} SET id = id WHERE id = {row.pk}",
        "delete": f"DELETE FROM {table} WHERE id = {row.pk}",
    }[verb]

    with unchanged(), pytest.raises(DatabaseError, match=f"{table} is append-only"), transaction.atomic():
        connection.cursor().execute(statement)
