"""The audit of money in and out: clean for unaltered records, and a breach for each alteration."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from fees.models import FeeRecord
from fees.services import record_fees, reverse_fee
from ledger.enums import AccountRole, Currency
from ledger.models import Account, JournalEntry
from ledger.queries import transaction_for
from ledger.services import post, reverse
from ledger.services.accounts import open_accounts
from ledger.types import AccountRef, Line
from sunusav.core import clock
from sunusav.core.auditing import AuditScope
from tests.fees.builders import checks_off
from tests.support.triggers import without_triggers
from tests.transfers.builders import BY, NODE, attempts, ordered, pot, row_of, run
from tests.transfers.collecting import DUE_MSAT, opened, received, stored
from tests.transfers.rails import SteeredCollector, SteeredRail, Watch, invoice_for
from transfers.booking import IN_TRANSIT
from transfers.enums import FailureClass
from transfers.invariants import INVARIANTS
from transfers.models import Attempt, Collection, Disbursement, Receipt
from transfers.services.collections import reconcile_collection
from transfers.types import Refused, Unknown

# Triggers are dropped and created by DDL, which no transaction rolls back on MySQL.
pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class History:
    """Payments made: one with its fee, one without, one refused, one under way; and money in of each kind."""

    paid: int
    plain: int
    failed: int
    open: int
    overpaid: int
    late: int
    parts: int

    def name(self, noun: str) -> str:
        """Return the subject of a breach about one of these, its first attempt, its fee record or its receipt."""
        which, _, part = noun.partition(".")
        key = getattr(self, which)
        if part == "receipt":
            return f"receipt:{Receipt.objects.filter(collection=key).latest('id').pk}"
        if part == "record":
            return f"fee_record:{FeeRecord.objects.get(disbursement_ref=f'disbursement:{key}').pk}"
        return f"disbursement:{key}" + (":attempt:1" if part == "attempt" else "")


@pytest.fixture
def history(node: SteeredRail, lightning_collector: SteeredCollector) -> History:
    now = clock.now()
    refused = Refused(reason="no-route", failure=FailureClass.FINAL)
    payouts = [
        _ran("awa", Watch(now)),
        _ran("ndeye", Watch(now), priced_for=None, destination=invoice_for("ndeye", 100_000)),
    ]
    for name, answer in (("binta", refused), ("coumba", Unknown(seen=True, reason="in-flight"))):
        node.script.append(answer)
        payouts.append(_ran(name, Watch(now)))
    overpaid = opened("contribution:1", now=now)
    late = opened("contribution:2", now=now - timedelta(days=1, minutes=2))
    received(overpaid, DUE_MSAT + 7, now=now)
    lightning_collector.cancelled.add(late.reference)
    reconcile_collection(late.id, now=now + timedelta(days=2))
    received(late, 5_000, now=now)
    assert stored(late).state == "expired"
    parts = opened("contribution:3", now=now)
    for number, amount_msat in enumerate((4_000_000, DUE_MSAT - 4_000_000 + 9), start=1):
        received(parts, amount_msat, payment=f"part-{number}", now=now)
    assert stored(parts).state == "settled"
    paid, plain, failed, under_way = payouts
    return History(paid, plain, failed, under_way, overpaid.id, late.id, parts.id)


def _ran(name: str, watch: Watch, **changes: Any) -> int:
    disbursement_id = ordered(name, at=watch(), **changes)
    run(watch)
    return disbursement_id


def found(**scope: Any) -> set[tuple[str, str]]:
    audit = AuditScope(now=clock.now(), **scope)
    return {(b.invariant, b.subject) for invariant in INVARIANTS for b in invariant.find(audit)}


def test_audit_of_unaltered_records_is_clean(history: History) -> None:
    states = [row_of(key).state for key in (history.paid, history.plain, history.failed, history.open)]
    assert states == ["completed", "completed", "failed", "processing"]
    assert found() == set()
    assert found(since=clock.now() - timedelta(hours=1)) == set()


def test_audit_of_a_reversed_fee_is_clean(history: History) -> None:
    record = FeeRecord.objects.get(disbursement_ref=f"disbursement:{history.paid}")
    reverse_fee(record_id=record.pk, actor=BY, reason="test", now=clock.now())

    assert found() == set()


# What somebody with the database's password could change. Each change keeps every transaction balanced.


def _payment(disbursement_id: int) -> int:
    (attempt,) = attempts(disbursement_id)
    assert attempt.payment_transaction_id is not None
    return attempt.payment_transaction_id


def _entry(transaction_id: int, role: AccountRole) -> JournalEntry:
    return JournalEntry.objects.get(transaction_id=transaction_id, account__role=role)


def _shift(transaction_id: int, source: AccountRole, target: AccountRole, msat: int) -> None:
    for role, change in ((source, -msat), (target, msat)):
        entry = _entry(transaction_id, role)
        JournalEntry.objects.filter(pk=entry.pk).update(amount=entry.amount + change)


def _move(transaction_id: int, role: AccountRole, to: AccountRef) -> None:
    open_accounts([to])
    entry = _entry(transaction_id, role)
    JournalEntry.objects.filter(pk=entry.pk).update(account=Account.objects.get(code=to.code))


def fee_shared_otherwise(history: History) -> None:
    _shift(_payment(history.paid), AccountRole.PLATFORM_FEE_INCOME, AccountRole.COMMUNITY_FUND, 1_000)


def fee_of_another_partner(history: History) -> None:
    other = AccountRef(AccountRole.PARTNER_RESERVE, Currency.MSAT, "orange")
    _move(_payment(history.paid), AccountRole.PARTNER_RESERVE, other)


def more_left_the_node(history: History) -> None:
    _shift(_payment(history.plain), AccountRole.NODE, AccountRole.ROUTING_EXPENSE, 500)


def held_from_another_pot(history: History) -> None:
    _move(row_of(history.failed).hold_transaction_id or 0, AccountRole.GROUP_POT, pot("cycle:other"))


def overpayment_kept(history: History) -> None:
    receipt = Receipt.objects.get(collection=history.overpaid)
    _shift(receipt.transaction_id, AccountRole.GROUP_POT, AccountRole.MEMBER_CREDIT, 6)


def late_money_credited(history: History) -> None:
    to = AccountRef(AccountRole.GROUP_POT, Currency.MSAT, "cycle:c")
    _move(Receipt.objects.get(collection=history.late).transaction_id, AccountRole.MEMBER_CREDIT, to)


def second_part_kept(history: History) -> None:
    second = Receipt.objects.filter(collection=history.parts).latest("id")
    _shift(second.transaction_id, AccountRole.GROUP_POT, AccountRole.MEMBER_CREDIT, 9)


def fee_record_deleted(history: History) -> None:
    FeeRecord.objects.all().delete()


def fee_recorded_of_a_failed_one(history: History) -> None:
    fee = row_of(history.failed).assessment_id
    assert fee is not None
    record_fees({fee: f"disbursement:{history.failed}"}, completed_at=clock.now())


def fee_recorded_of_none(history: History) -> None:
    FeeRecord.objects.update(disbursement_ref="disbursement:987654321")


def fee_recorded_of_no_disbursement(history: History) -> None:
    FeeRecord.objects.update(disbursement_ref="cycle:awa")


def paid_by_its_hold(history: History) -> None:
    Attempt.objects.filter(disbursement=history.paid).update(payment_transaction=None)
    hold = row_of(history.paid).hold_transaction_id
    Attempt.objects.filter(disbursement=history.paid).update(payment_transaction=hold)


def payment_of_nobody(history: History) -> None:
    _post("payment")


def receipt_of_nobody(history: History) -> None:
    _post("receipt")


def hold_without_disbursement(history: History) -> None:
    _post("hold")


def _post(kind: str) -> None:
    lines = [Line(NODE, 1), Line(pot("cycle:x"), -1)]
    post(kind=kind, reference="odd", lines=lines, at=clock.now(), subject="s")


def cost_altered(history: History) -> None:
    Attempt.objects.filter(disbursement=history.paid).update(cost=1_499)


def hold_voided(history: History) -> None:
    hold = row_of(history.failed).hold_transaction_id or 0
    now = clock.now()
    reverse(transaction_id=hold, kind="hold_void", reference="by-hand", at=now, subject="s")
    # In transit stays what is held.
    lines = [Line(pot(row_of(history.failed).subject), 100_000_000), Line(IN_TRANSIT, -100_000_000)]
    post(kind="gift", reference="held-again", lines=lines, at=now, subject="s")


def received_amount_changed(history: History) -> None:
    Collection.objects.filter(pk=history.late).update(received=5_001)


CORRUPTIONS: dict[Callable[[History], None], set[tuple[str, str]]] = {
    fee_shared_otherwise: {("I08b", "paid.attempt")},
    fee_of_another_partner: {("I08b", "paid.attempt")},
    more_left_the_node: {("I08b", "plain.attempt"), ("I09", "plain.attempt")},
    held_from_another_pot: {("I13b", "failed")},
    overpayment_kept: {("I08b", "overpaid.receipt")},
    late_money_credited: {("I08b", "late.receipt")},
    second_part_kept: {("I08b", "parts.receipt")},
    fee_record_deleted: {("I03d", "paid")},
    fee_recorded_of_a_failed_one: {("I03d", "failed.record")},
    fee_recorded_of_none: {("I03d", "paid"), ("I03d", "fee_record")},
    fee_recorded_of_no_disbursement: {("I03d", "paid"), ("I03d", "fee_record")},
    paid_by_its_hold: {
        ("I08", "paid.attempt"), ("I08", "journal"), ("I08b", "paid.attempt"), ("I09", "paid.attempt"),
    },
    payment_of_nobody: {("I08", "odd")},
    receipt_of_nobody: {("I08", "odd")},
    hold_without_disbursement: {("I13", "odd")},
    cost_altered: {("I08b", "paid.attempt"), ("I09", "paid.attempt")},
    hold_voided: {("I13", "failed")},
    received_amount_changed: {("I08", "collection")},
}  # fmt: skip


@pytest.fixture
def unguarded(history: History) -> Iterator[None]:
    """Tables as somebody with the database's password can make them: without triggers and checks."""
    with without_triggers(connection), checks_off():
        yield


def expected(history: History, noun: str, before: int) -> str:
    """Return the subject of the breach that was made."""
    named = {
        "fee_record": lambda: f"fee_record:{FeeRecord.objects.get().pk}",
        "journal": lambda: f"journal:{before}",
        "odd": lambda: f"journal:{transaction_for('odd')}",
        "collection": lambda: f"collection:{history.late}",
    }
    return named[noun]() if noun in named else history.name(noun)


@pytest.mark.parametrize("corrupt", CORRUPTIONS, ids=lambda corrupt: corrupt.__name__)
def test_corruption_is_red_by_name_whether_fast_or_full(
    corrupt: Callable[[History], None], history: History, unguarded: None
) -> None:
    payment = _payment(history.paid)

    corrupt(history)

    names = {(code, expected(history, noun, payment)) for code, noun in CORRUPTIONS[corrupt]}
    assert found() == names
    assert found(since=clock.now() - timedelta(hours=1)) == names


@pytest.mark.parametrize("corrupt", CORRUPTIONS, ids=lambda corrupt: corrupt.__name__)
def test_fast_audit_skips_what_is_older_than_its_moment(
    corrupt: Callable[[History], None], history: History, unguarded: None
) -> None:
    # A fast audit reads what is due, however old it is: the refused order is asked about no more.
    Disbursement.objects.filter(pk=history.failed).update(due_at=None)
    corrupt(history)

    assert found(since=clock.now() + timedelta(seconds=1)) == set()


@pytest.mark.mariadb
def test_audit_finds_a_second_live_disbursement_of_a_subject(
    history: History, subjects_unguarded: None
) -> None:
    Disbursement.objects.filter(pk=history.open).update(subject="cycle:awa")

    # The second was opened while the order of the first could still leave.
    expected = {("I05", "cycle:awa"), ("I23", f"disbursement:{history.open}:attempt:1")}
    assert found() == expected
    assert found(since=clock.now() + timedelta(seconds=1)) == expected


@pytest.fixture
def subjects_unguarded(history: History) -> Iterator[None]:
    rule = "disbursement_one_live_per_subject"
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE transfers_disbursement DROP INDEX {rule}")
        try:
            yield
        finally:
            cursor.execute("UPDATE transfers_disbursement SET subject = id")
            cursor.execute(f"CREATE UNIQUE INDEX {rule} ON transfers_disbursement (live_subject)")
