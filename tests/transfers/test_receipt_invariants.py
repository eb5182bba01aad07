"""The audit of money in: what somebody with the database's password could change is found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import connection

from ledger.enums import AccountRole, Currency
from ledger.models import JournalEntry, JournalTransaction
from ledger.services import post
from ledger.types import AccountRef, credit, debit
from sunusav.core import clock
from sunusav.core.auditing import AuditScope
from tests.ledger.builders import stored_rate
from tests.support.triggers import without_triggers
from tests.transfers.builders import NODE
from tests.transfers.collecting import OVERPAID, opened, received, stored
from tests.transfers.rails import FrancSteeredCollector
from transfers.invariants import INVARIANTS
from transfers.models import Collection, Receipt
from transfers.receipt_booking import clearing_of
from transfers.services.collections import reconcile_collection

# To drop triggers commits on MySQL and MariaDB.
pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class History:
    """Collections in francs: paid in full, in two parts, in part so far, and ended after a part and a late payment."""

    exact: int
    parts: int
    partial: int
    ended: int


@pytest.fixture
def history(franc_collector: FrancSteeredCollector) -> History:
    now = clock.now()
    earlier = now - timedelta(days=2)
    for moment in (earlier, now):
        stored_rate("9123457", at=moment)
    exact, parts, partial = (opened(f"contribution:{n}", method="franc", now=now) for n in (1, 2, 3))
    ended = opened("contribution:4", method="franc", now=earlier)
    received(exact, now=now)
    received(parts, 400, payment="a", now=now)
    received(parts, 600, payment="b", now=now)
    received(partial, 5, payment="c", now=now)
    received(ended, 7, payment="d", now=now)
    franc_collector.cancelled.add(ended.reference)
    reconcile_collection(ended.id, now=now)
    received(ended, 9, payment="e", now=now)
    assert [stored(one).state for one in (exact, parts, partial, ended)] == [
        "settled", "settled", "partial", "expired",
    ]  # fmt: skip
    return History(exact.id, parts.id, partial.id, ended.id)


@pytest.fixture
def unguarded(history: History) -> Iterator[None]:
    with without_triggers(connection):
        yield


def found(**scope: object) -> set[tuple[str, str]]:
    audit = AuditScope(now=clock.now(), **scope)  # type: ignore[arg-type]
    return {(b.invariant, b.subject) for invariant in INVARIANTS for b in invariant.find(audit)}


def test_audit_of_unaltered_collections_is_clean(history: History) -> None:
    assert found() == set()
    assert found(since=clock.now() - timedelta(hours=1)) == set()


def residue_kept(history: History) -> None:
    booked = Receipt.objects.get(collection=history.exact).transaction_id
    for role, change in ((AccountRole.ROUNDING_RESIDUE, 1), (AccountRole.GROUP_POT, -1)):
        entry = JournalEntry.objects.get(transaction_id=booked, account__role=role)
        JournalEntry.objects.filter(pk=entry.pk).update(amount=entry.amount + change)


def rate_changed(history: History) -> None:
    Collection.objects.filter(pk=history.exact).update(rate=stored_rate("9123458", at=clock.now()))


def part_counted_as_extra(history: History) -> None:
    Receipt.objects.filter(collection=history.parts, use="part").update(use="extra")


def extra_counted_as_part(history: History) -> None:
    Receipt.objects.filter(collection=history.ended, use="extra").update(use="part")


def end_not_booked(history: History) -> None:
    Collection.objects.filter(pk=history.ended).update(parts_transaction=None)


def end_undone(history: History) -> None:
    Collection.objects.filter(pk=history.ended).update(state="partial", parts_transaction=None, received=7)


def clearing_emptied(history: History) -> None:
    held = clearing_of(history.partial, Currency.XOF)
    to = AccountRef(AccountRole.BANK, Currency.XOF)
    post(kind="test", reference="x", lines=[debit(held, 5), credit(to, 5)], at=clock.now(), subject="test:1")


def parts_credited_of_nothing(history: History) -> None:
    lines = [debit(NODE, 1), credit(OVERPAID, 1)]
    post(kind="parts_credited", reference="odd", lines=lines, at=clock.now(), subject="test:1")


CORRUPTIONS: dict[Callable[[History], None], set[tuple[str, str]]] = {
    residue_kept: {("I08b", "receipt:exact")},
    rate_changed: {("I08b", "receipt:exact")},
    part_counted_as_extra: {("I08b", "receipt:parts")},
    extra_counted_as_part: {("I08b", "receipt:ended"), ("I08b", "collection:ended")},
    end_not_booked: {("I08b", "collection:ended"), ("I08", "journal:parts_credited")},
    end_undone: {
        ("I08", "collection:ended"), ("I08", "journal:parts_credited"), ("I08b", "receipt:ended"),
        ("I13", "collection:ended"),
    },
    clearing_emptied: {("I13", "collection:partial")},
    parts_credited_of_nothing: {("I08", "journal:odd")},
}  # fmt: skip


def subject_of(history: History, name: str) -> str:
    kind, _, which = name.partition(":")
    if kind == "collection":
        return f"collection:{getattr(history, which)}"
    if kind == "receipt":
        receipts = Receipt.objects.filter(collection=getattr(history, which)).order_by("pk")
        return f"receipt:{(receipts.last() if which == 'ended' else receipts[0]).pk}"  # type: ignore[union-attr]
    booked = JournalTransaction.objects.filter(kind="parts_credited").order_by("pk")
    return f"journal:{(booked.last() if which == 'odd' else booked[0]).pk}"  # type: ignore[union-attr]


@pytest.mark.parametrize("corrupt", CORRUPTIONS, ids=lambda corrupt: corrupt.__name__)
def test_corruption_is_red_by_name_whether_fast_or_full(
    corrupt: Callable[[History], None], history: History, unguarded: None
) -> None:
    corrupt(history)

    expected = {(code, subject_of(history, name)) for code, name in CORRUPTIONS[corrupt]}
    assert found() == expected
    assert found(since=clock.now() - timedelta(hours=1)) == expected


def test_fast_audit_skips_what_is_older_than_its_moment(history: History, unguarded: None) -> None:
    residue_kept(history)
    clearing_emptied(history)
    assert found(since=clock.now() + timedelta(seconds=1)) == set()
