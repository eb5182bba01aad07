"""A fast audit sees each row that changed within its window, however long before it the row was begun."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from sunusav.core import clock
from sunusav.core.auditing import AuditScope
from tests.transfers.builders import NET_MSAT, NOW, attempts, ordered, row_of, run, worked
from tests.transfers.collecting import DUE_MSAT, opened, received, stored
from tests.transfers.rails import SteeredCollector, SteeredRail, Watch, invoice_for
from tests.transfers.test_invariants import CORRUPTIONS, History, expected, found, unguarded
from transfers.engine.destinations import order_of
from transfers.enums import FailureClass
from transfers.invariants import INVARIANTS
from transfers.models import Attempt, Collection, Disbursement, PastAdmission
from transfers.services.collections import reconcile_collection
from transfers.types import CollectionFacts, FindOutcome, Refused, Unknown

__all__ = ["unguarded"]

# Triggers are dropped and created by DDL, which no transaction rolls back on MySQL.
pytestmark = pytest.mark.django_db(transaction=True)

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@dataclass(frozen=True)
class OldHistory(History):
    """Payments and requests for money that were all begun before `since`, and ended after it."""

    since: datetime


@pytest.fixture
def history(node: SteeredRail, lightning_collector: SteeredCollector) -> OldHistory:
    """Begin everything two days ago; end it now: paid, refused, and money in of each kind."""
    begun = clock.now() - 2 * DAY
    node.script.extend([Unknown(seen=True, reason="in-flight")] * 4)
    paid, failed, under_way = (ordered(name, at=begun) for name in ("awa", "binta", "coumba"))
    plain = ordered("ndeye", at=begun, priced_for=None, destination=invoice_for("ndeye", 100_000))
    run(Watch(begun))
    overpaid, late, parts = (opened(f"contribution:{number}", now=begun) for number in (1, 2, 3))
    lightning_collector.cancelled.add(late.reference)
    reconcile_collection(late.id, now=begun + DAY + 2 * MINUTE)
    _receive_part(parts, 1, 4_000_000, now=begun)
    assert [stored(one).state for one in (overpaid, late, parts)] == ["open", "expired", "partial"]

    since = clock.now()
    for payout in (paid, plain):
        _answer(node, payout, node._receipt(order_of(attempts(payout)[0].order)))
    _answer(node, failed, Refused(reason="no-route", failure=FailureClass.FINAL))
    received(overpaid, DUE_MSAT + 7, now=clock.now())
    received(late, 5_000, now=clock.now())
    _receive_part(parts, 2, DUE_MSAT - 4_000_000 + 9, now=clock.now())
    return OldHistory(paid, plain, failed, under_way, overpaid.id, late.id, parts.id, since)


def _answer(node: SteeredRail, disbursement_id: int, outcome: FindOutcome) -> None:
    node.finds.append(outcome)
    worked(disbursement_id, Watch(clock.now()))


def _receive_part(facts: CollectionFacts, number: int, amount_msat: int, *, now: datetime) -> None:
    received(facts, amount_msat, payment=f"part-{number}", now=now)


def test_audit_of_what_ended_in_its_window_is_clean(history: OldHistory) -> None:
    states = [row_of(key).state for key in (history.paid, history.plain, history.failed, history.open)]
    assert states == ["completed", "completed", "failed", "processing"]
    money_in = Collection.objects.order_by("pk").values_list("state", flat=True)
    assert list(money_in) == ["settled", "expired", "settled"]
    assert not Disbursement.objects.filter(requested_at__gte=history.since).exists()
    assert not Collection.objects.filter(requested_at__gte=history.since).exists()
    assert not Attempt.objects.filter(opened_at__gte=history.since).exists()

    assert found() == set()
    assert found(since=history.since) == set()


@pytest.mark.parametrize("corrupt", CORRUPTIONS, ids=lambda corrupt: corrupt.__name__)
def test_corruption_of_what_ended_in_its_window_is_red_by_name(
    corrupt: Callable[[History], None], history: OldHistory, unguarded: None
) -> None:
    payment = attempts(history.paid)[0].payment_transaction_id
    assert payment is not None

    corrupt(history)

    names = {(code, expected(history, noun, payment)) for code, noun in CORRUPTIONS[corrupt]}
    assert found() == names
    assert found(since=history.since) == names


def test_request_for_money_that_is_still_open_is_seen_however_old(history: OldHistory) -> None:
    waiting = opened("contribution:4", now=NOW)
    assert stored(waiting).state == "open"
    Collection.objects.filter(pk=waiting.id).update(received=1)

    assert found(since=history.since) == {("I08", f"collection:{waiting.id}")}


def test_admission_of_a_payment_that_was_admitted_again_is_seen_however_old(
    node: SteeredRail, watch: Watch
) -> None:
    """The row of the earlier admission is written within the window; its moment is long before."""
    node.script.append(Refused(reason="no-route", failure=FailureClass.RETRY))
    disbursement_id = ordered(payee_ref="user:awa")
    run(watch)
    Disbursement.objects.update(due_at=NOW + 3 * DAY)
    again = Watch(NOW + 3 * DAY)
    run(again)
    assert (PastAdmission.objects.get().admitted_at, row_of(disbursement_id).admitted_at) == (NOW, again())
    assert limit_breaches(since=again()) == []

    PastAdmission.objects.create(disbursement_id=disbursement_id, admitted_at=NOW - MINUTE, by_version=99)

    breaches = [
        ("limit_usage:total_hour:2026-03-04T09:59", f"counted 0 msat, admitted {NET_MSAT}"),
        (
            f"disbursement:{disbursement_id}",
            f"{NET_MSAT} msat admitted by version 99 of the limit per payout",
        ),
    ]
    assert limit_breaches() == breaches
    assert limit_breaches(since=again()) == breaches


def limit_breaches(since: datetime | None = None) -> list[tuple[str, str]]:
    scope = AuditScope(now=NOW + 3 * DAY, since=since)
    rules = [invariant for invariant in INVARIANTS if invariant.code == "I22"]
    return [(breach.subject, breach.detail) for rule in rules for breach in rule.find(scope)]
