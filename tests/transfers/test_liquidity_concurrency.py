"""Looks at a rail beside workers and beside each other, each on its own connection."""

import threading
from datetime import datetime
from functools import partial

import pytest
from django.db import connection, transaction

from ledger.types import msat
from tests.transfers.builders import NET_MSAT, ordered, row_of, run, settle
from tests.transfers.rails import SteeredRail, Watch
from tests.transfers.test_limits_concurrency import at_once
from transfers.engine.claims import claim_due
from transfers.engine.liquidity import look_at_rails
from transfers.enums import FailureClass
from transfers.models import Attempt, Disbursement, RailLiquidity
from transfers.types import Refused, Sendable, Unknown

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

RAIL = "lightning"


def look(watch: Watch) -> int:
    return look_at_rails([RAIL], clock=watch)


def held(node: SteeredRail, watch: Watch) -> int:
    """Return a payment that waits for a minute since the node refused it for insufficient balance."""
    node.script.append(Refused("insufficient-balance", FailureClass.HOLD))
    pk = ordered()
    run(watch)
    settle(watch)
    node.balance_msat = NET_MSAT - 1
    look(watch)
    node.balance_msat = 10**12
    return pk


class Locking(threading.Thread):
    """Holds the lock on one row in another connection, as a claim does before it commits."""

    def __init__(self, pk: int) -> None:
        super().__init__()
        self._pk, self._is_locked, self._may_end = pk, threading.Event(), threading.Event()

    def __enter__(self) -> None:
        self.start()
        assert self._is_locked.wait(60)

    def __exit__(self, *_: object) -> None:
        self._may_end.set()
        self.join()

    def run(self) -> None:
        try:
            with transaction.atomic():
                Disbursement.objects.select_for_update().get(pk=self._pk)
                self._is_locked.set()
                self._may_end.wait(60)
        finally:
            connection.close()


def test_look_waits_for_no_lock_and_the_next_look_releases_what_it_missed(
    node: SteeredRail, watch: Watch
) -> None:
    pk = held(node, watch)

    with Locking(pk):
        assert look(watch) == 0
    assert row_of(pk).not_before == watch.after(30)

    watch.advance(15)
    assert look(watch) == 1
    assert row_of(pk).not_before is None


def test_workers_that_claim_during_looks_keep_their_claims(node: SteeredRail, watch: Watch) -> None:
    node.balance_msat = 0
    waiting = [ordered(f"n{number}") for number in range(12)]
    run(watch)
    node.balance_msat = 10**12
    watch.advance(60)
    claimed: list[int] = []

    def claim(at: datetime) -> None:
        claimed.extend(one.disbursement_id for one in claim_due(worker="w", now=at, limit=12))

    at_once([partial(claim, watch()), partial(look, watch), partial(claim, watch()), partial(look, watch)])

    claim(watch())
    assert sorted(claimed) == waiting
    rows = Disbursement.objects.filter(pk__in=waiting)
    assert set(rows.values_list("due_at", "claim_version")) == {(watch.after(20), 1)}


def test_looks_at_once_at_a_new_rail_are_one(node: SteeredRail, watch: Watch) -> None:
    at_once([partial(look, watch)] * 4)

    row = RailLiquidity.objects.get()
    assert (row.seen_at, row.looking_until, row.total) == (watch(), None, 10**12)


def test_attempt_closed_unpaid_between_the_answer_and_its_record_adds_no_money(
    node: SteeredRail, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer was given while the money was bound, so the next look finds more, and nothing was added."""
    node.script.append(Refused("insufficient-balance", FailureClass.HOLD))
    first = ordered()
    run(watch)
    settle(watch)
    node.balance_msat = 2 * NET_MSAT
    look(watch)
    ordered("second", at=watch())
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    node.finds.append(Refused("no-route", FailureClass.RETRY))
    watch.advance(5)

    def answer() -> Sendable:
        monkeypatch.undo()
        run(watch)
        connection.close()
        return Sendable(msat(NET_MSAT), msat(NET_MSAT))

    monkeypatch.setattr(node, "sendable", answer)
    not_before = row_of(first).not_before
    assert look(watch) == 0
    assert not Attempt.objects.filter(closed_at=None).exists()

    watch.advance(5)
    assert look(watch) == 0
    assert row_of(first).not_before == not_before
