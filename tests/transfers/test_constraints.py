"""What the database itself refuses: each constraint of this app, violated by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from ledger.enums import AccountRole, Currency
from ledger.services import post
from ledger.types import AccountRef, Line
from tests.transfers.builders import BY, NOW, claimed, ordered, row_of, run
from tests.transfers.collecting import opened, received
from tests.transfers.rails import SteeredRail, Watch
from tests.transfers.unchanged import unchanged
from transfers.enums import FailureClass
from transfers.models import Attempt, Collection, Disbursement, Partner, PaymentOrder, Receipt, WithdrawalLink
from transfers.services.withdrawals import open_withdrawal
from transfers.types import Refused, Unknown

pytestmark = pytest.mark.django_db

TOMORROW = NOW + timedelta(days=1)


@contextmanager
def refuses(constraint: str, *, column: str = "") -> Iterator[None]:
    """Assert that the database refuses by this constraint; for a unique one SQLite reports only the column."""
    by_column = connection.vendor == "sqlite" and column
    with unchanged(), pytest.raises(IntegrityError, match=column if by_column else constraint):  # noqa: SIM117
        with transaction.atomic():
            yield


def force(model: Any, pk: int, **fields: Any) -> None:
    """Write without any service."""
    model.objects.filter(pk=pk).update(**fields)


def copy_of(row: Any, **changes: Any) -> Any:
    """Return an unsaved copy of a row."""
    fields = [field for field in row._meta.concrete_fields if not field.primary_key and not field.generated]
    values = {field.attname: getattr(row, field.attname) for field in fields}
    return type(row)(**(values | changes))


def booked(reference: str) -> int:
    """Put any transaction into the books."""
    lines = [
        Line(AccountRef(AccountRole.NODE, Currency.MSAT), 1),
        Line(AccountRef(AccountRole.OPENING_BALANCE, Currency.MSAT), -1),
    ]
    return post(kind="test", reference=reference, lines=lines, at=NOW, subject="test")


@pytest.fixture
def waiting() -> Disbursement:
    return row_of(ordered(scheduled_at=TOMORROW))


@pytest.fixture
def processing() -> Disbursement:
    return row_of(ordered())


@pytest.fixture
def paid(node: SteeredRail, watch: Watch) -> Attempt:
    disbursement_id = ordered()
    run(watch)
    return Attempt.objects.get(disbursement_id=disbursement_id)


@pytest.fixture
def open_attempt(node: SteeredRail, watch: Watch) -> Attempt:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    return Attempt.objects.get(disbursement_id=disbursement_id)


@pytest.fixture
def refused(node: SteeredRail, watch: Watch) -> Attempt:
    disbursement_id = ordered()
    node.script.append(Refused("no-route", FailureClass.RETRY))
    run(watch)
    return Attempt.objects.get(disbursement_id=disbursement_id)


# Disbursement


def test_disbursement_one_live_per_subject(processing: Disbursement) -> None:
    with refuses("disbursement_one_live_per_subject", column="live_subject"):
        copy_of(processing).save(force_insert=True)


def test_disbursement_one_live_per_subject_allows_a_cancelled_one_beside_it(
    processing: Disbursement,
) -> None:
    copy_of(processing, state="cancelled").save(force_insert=True)

    assert Disbursement.objects.filter(subject=processing.subject).count() == 2


def test_disbursement_one_live_per_subject_is_case_sensitive(processing: Disbursement) -> None:
    copy_of(processing, subject=processing.subject.upper()).save(force_insert=True)

    assert Disbursement.objects.exclude(live_subject=None).count() == 2


@pytest.mark.parametrize(
    "fields", [{"fee_sats": 999}, {"net_sats": 100_001, "fee_sats": 1_000}, {"payout_sats": 100_001}]
)
def test_disbursement_gross_is_net_plus_fee(processing: Disbursement, fields: dict[str, int]) -> None:
    with refuses("disbursement_gross_is_net_plus_fee"):
        force(Disbursement, processing.pk, **fields)


@pytest.mark.parametrize("fields", [{"fee_sats": 1_000}, {"net_sats": 99_000}])
def test_disbursement_gross_is_net_plus_fee_refuses_half_a_price(
    waiting: Disbursement, fields: dict[str, int]
) -> None:
    with refuses("disbursement_gross_is_net_plus_fee"):
        force(Disbursement, waiting.pk, **fields)


@pytest.mark.parametrize(("net_sats", "fee_sats"), [(0, 100_000), (-1, 100_001), (100_001, -1)])
def test_disbursement_net_is_positive(processing: Disbursement, net_sats: int, fee_sats: int) -> None:
    with refuses("disbursement_net_is_positive"):
        force(Disbursement, processing.pk, net_sats=net_sats, fee_sats=fee_sats)


def test_disbursement_completed_has_moment(processing: Disbursement) -> None:
    with refuses("disbursement_completed_has_moment"):
        force(Disbursement, processing.pk, state="completed")
    with refuses("disbursement_completed_has_moment"):
        force(Disbursement, processing.pk, completed_at=NOW)


def test_disbursement_processing_has_net(waiting: Disbursement) -> None:
    with refuses("disbursement_processing_has_net"):
        force(Disbursement, waiting.pk, state="processing")


# Order


def test_paymentorder_reference_used_once(paid: Attempt) -> None:
    other = ordered("other")
    with refuses("paymentorder_reference_used_once", column="reference"):
        copy_of(paid.order, disbursement_id=other).save(force_insert=True)


@pytest.mark.parametrize("amount_msat", [0, -1])
def test_paymentorder_amount_is_positive(paid: Attempt, amount_msat: int) -> None:
    with refuses("paymentorder_amount_is_positive"):
        copy_of(paid.order, reference="another", amount_msat=amount_msat).save(force_insert=True)


def test_paymentorder_has_reference(paid: Attempt) -> None:
    with refuses("paymentorder_has_reference"):
        copy_of(paid.order, reference="").save(force_insert=True)


# Attempt


@pytest.mark.parametrize("state", ["prepared", "in_flight"])
def test_disbursement_one_live_attempt(open_attempt: Attempt, state: str) -> None:
    second = copy_of(open_attempt, number=2, state=state, hold_transaction_id=booked("second"))
    with refuses("disbursement_one_live_attempt", column="live_disbursement"):
        second.save(force_insert=True)


def test_disbursement_one_live_attempt_counts_a_succeeded_one_for_ever(paid: Attempt) -> None:
    second = copy_of(
        paid,
        number=2,
        state="prepared",
        hold_transaction_id=booked("second"),
        close_transaction_id=None,
        closed_at=None,
    )
    with refuses("disbursement_one_live_attempt", column="live_disbursement"):
        second.save(force_insert=True)


def test_attempt_number_used_once(refused: Attempt) -> None:
    second = copy_of(refused, hold_transaction_id=booked("second"), close_transaction_id=booked("closing"))
    with refuses("attempt_number_used_once", column="number"):
        second.save(force_insert=True)


@pytest.mark.parametrize("state", ["failed", "void", "succeeded"])
def test_attempt_closed_is_booked(open_attempt: Attempt, state: str) -> None:
    with refuses("attempt_closed_is_booked"):
        force(Attempt, open_attempt.pk, state=state, closed_at=NOW, proof="00", cost_msat=0)


def test_attempt_closed_is_booked_and_an_open_one_is_not(open_attempt: Attempt) -> None:
    closing = booked("closing")
    with refuses("attempt_closed_is_booked"):
        force(Attempt, open_attempt.pk, close_transaction_id=closing)


def test_attempt_closed_is_booked_and_never_opened_again(refused: Attempt) -> None:
    with refuses("attempt_closed_is_booked"):
        force(Attempt, refused.pk, state="in_flight")


@pytest.mark.parametrize("fields", [{"proof": ""}, {"cost_msat": -1}, {"cost_msat": None}])
def test_attempt_success_has_proof_and_cost(paid: Attempt, fields: dict[str, Any]) -> None:
    with refuses("attempt_success_has_proof"):
        force(Attempt, paid.pk, **fields)


@pytest.mark.parametrize("column", ["hold_transaction_id", "close_transaction_id"])
def test_attempt_shares_no_transaction_with_another(refused: Attempt, column: str) -> None:
    fresh = {"hold_transaction_id": booked("second"), "close_transaction_id": booked("closing")}
    shared = fresh | {column: getattr(refused, column)}
    with refuses(column, column=column):
        copy_of(refused, number=2, **shared).save(force_insert=True)


# Collection and receipt


def test_collection_one_live_per_subject() -> None:
    row = Collection.objects.get(pk=opened().id)
    with refuses("collection_one_live_per_subject", column="live_subject"):
        copy_of(row, reference="another").save(force_insert=True)


def test_collection_reference_used_once() -> None:
    row = Collection.objects.get(pk=opened().id)
    with refuses("collection_reference_used_once", column="reference"):
        copy_of(row, subject="contribution:2").save(force_insert=True)


@pytest.mark.parametrize("amount_msat", [0, -1])
def test_collection_amount_is_positive(amount_msat: int) -> None:
    facts = opened()
    with refuses("collection_amount_is_positive"):
        force(Collection, facts.id, amount_msat=amount_msat)


@pytest.mark.parametrize(
    "fields", [{"received_msat": 9_999_999, "settled_at": NOW}, {"received_msat": 10_000_000}]
)
def test_collection_settled_is_paid_in_full(fields: dict[str, Any]) -> None:
    facts = opened()
    with refuses("collection_settled_is_paid_in_full"):
        force(Collection, facts.id, state="settled", **fields)


@pytest.mark.parametrize("state", ["open", "partial", "expired"])
def test_collection_open_has_reference(state: str) -> None:
    facts = opened()
    with refuses("collection_open_has_reference"):
        force(Collection, facts.id, state=state, reference=None)


def test_receipt_payment_counts_once() -> None:
    facts = opened()
    received(facts)
    again = copy_of(Receipt.objects.get(), transaction_id=booked("again"))
    with refuses("receipt_payment_counts_once", column="reference"):
        again.save(force_insert=True)


@pytest.mark.parametrize("received_msat", [0, -1])
def test_receipt_amount_is_positive(received_msat: int) -> None:
    received(opened())
    odd = copy_of(
        Receipt.objects.get(), reference="odd", transaction_id=booked("odd"), received_msat=received_msat
    )
    with refuses("receipt_amount_is_positive"):
        odd.save(force_insert=True)


def test_receipt_shares_no_transaction_with_another() -> None:
    received(opened())
    with refuses("transaction_id", column="transaction_id"):
        copy_of(Receipt.objects.get(), reference="another").save(force_insert=True)


def test_partner_position_is_taken_once() -> None:
    with refuses("position", column="position"):
        Partner.objects.filter(code="orange").update(position=1)


# append-only


@pytest.mark.parametrize("model", [PaymentOrder, Receipt])
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_append_only_table_refuses_update_and_delete(model: Any, verb: str, paid: Attempt) -> None:
    received(opened())
    pk, table = model.objects.get().pk, model._meta.db_table
    statement = {
        "update": f"UPDATE {table} SET reference = 'other' WHERE id = {pk}",
        "delete": f"DELETE FROM {table} WHERE id = {pk}",
    }[verb]
    with unchanged(), pytest.raises(DatabaseError, match=f"{table} is append-only"), transaction.atomic():
        connection.cursor().execute(statement)


def test_claimed_row_is_refused_a_second_live_attempt_of_a_late_worker(
    open_attempt: Attempt, watch: Watch
) -> None:
    """The constraint holds without any claim."""
    watch.advance(60)
    claimed(open_attempt.disbursement_id, watch)
    with refuses("disbursement_one_live_attempt", column="live_disbursement"):
        copy_of(open_attempt, number=7, hold_transaction_id=booked("late")).save(force_insert=True)


# Withdrawal link


@pytest.fixture
def link() -> WithdrawalLink:
    open_withdrawal(subject="cycle:c", rail="lightning", amount_sats=1, actor=BY, now=NOW)
    return WithdrawalLink.objects.get()


def test_withdrawallink_one_live_per_subject(link: WithdrawalLink) -> None:
    with refuses("withdrawallink_one_live_per_subject", column="live_subject"):
        copy_of(link, secret_sha256="other").save()
    force(WithdrawalLink, link.pk, state="expired")
    copy_of(link, secret_sha256="other").save()


def test_withdrawallink_secret_used_once(link: WithdrawalLink) -> None:
    with refuses("withdrawallink_secret_used_once", column="secret_sha256"):
        copy_of(link, subject="cycle:d").save()


@pytest.mark.parametrize("amount_msat", [0, -1])
def test_withdrawallink_amount_is_positive(link: WithdrawalLink, amount_msat: int) -> None:
    with refuses("withdrawallink_amount_is_positive"):
        force(WithdrawalLink, link.pk, amount_msat=amount_msat)


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "redeemed"},
        {"state": "redeemed", "redeemed_at": NOW, "destination_kind": "bolt11"},
        {"state": "refused", "destination_kind": "bolt11", "destination_value": "lnbc"},
        {"destination_value": "lnbc"},
        {"state": "revoked", "redeemed_at": NOW},
    ],
)
def test_withdrawallink_redeemed_has_destination(link: WithdrawalLink, fields: dict[str, Any]) -> None:
    with refuses("withdrawallink_redeemed_has_destination"):
        force(WithdrawalLink, link.pk, **fields)


def test_withdrawallink_taken_has_disbursement(link: WithdrawalLink, waiting: Disbursement) -> None:
    redeemed = {"redeemed_at": NOW, "destination_kind": "bolt11", "destination_value": "lnbc"}
    with refuses("withdrawallink_taken_has_disbursement"):
        force(WithdrawalLink, link.pk, state="taken", **redeemed)
    with refuses("withdrawallink_taken_has_disbursement"):
        force(WithdrawalLink, link.pk, state="redeemed", disbursement=waiting, **redeemed)
