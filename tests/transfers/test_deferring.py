"""Deferring: never what another worker took meanwhile, and never into a loop."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction

from sunusav.core.models import TrailEntry
from tests.transfers.builders import NET_SATS, NOW, PAID, claimed, ordered, row_of, run, snapshot
from tests.transfers.rails import SteeredRail, Watch
from tests.transfers.unchanged import unchanged
from transfers.engine.claims import claim_due
from transfers.engine.deferring import defer, defer_all
from transfers.engine.runner import run_due
from transfers.enums import DeferralCode, FailureClass
from transfers.models import Disbursement
from transfers.types import Deferral, Refused, Unknown

pytestmark = pytest.mark.django_db

FACTS = {"rail": "lightning"}
WHY = Deferral(DeferralCode.LIQUIDITY_SHORT, FACTS, NOW + timedelta(minutes=1))


def stale(disbursement_id: int) -> Disbursement:
    """Return the row as it was read before another worker took it."""
    return row_of(disbursement_id)


def deferrals() -> list[str]:
    return list(TrailEntry.objects.filter(action="hold_back").values_list("subject", flat=True))


# Taken meanwhile


def test_defer_all_leaves_what_another_worker_claimed_since(watch: Watch) -> None:
    taken, waiting = ordered("awa"), ordered("binta")
    rows = [stale(taken), stale(waiting)]
    claim = claimed(taken, watch, worker="worker-2")

    defer_all(rows, WHY, now=watch())

    row = row_of(taken)
    assert (row.due_at, row.claimed_by, row.failure_code) == (watch.after(20), "worker-2", "")
    assert row.claim_version == claim.version
    assert (row_of(waiting).due_at, row_of(waiting).failure_code) == (watch.after(60), "liquidity-short")
    assert deferrals() == [f"disbursement:{waiting}"]


def paid_since(disbursement_id: int, watch: Watch) -> None:
    run(watch)


def cancelled_since(disbursement_id: int, watch: Watch) -> None:
    Disbursement.objects.filter(pk=disbursement_id).update(state="cancelled", due_at=None)


def deferred_since(disbursement_id: int, watch: Watch) -> None:
    defer_all(
        [stale(disbursement_id)], Deferral(DeferralCode.RAIL_STOPPED, FACTS, watch.after(300)), now=watch()
    )


@pytest.mark.parametrize("meanwhile", [paid_since, cancelled_since, deferred_since])
def test_defer_all_of_what_is_no_longer_due_changes_nothing(
    meanwhile: Callable[[int, Watch], None], node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    row = stale(disbursement_id)
    meanwhile(disbursement_id, watch)

    with unchanged():
        defer_all([row], WHY, now=watch())


def test_defer_of_a_lost_claim_changes_nothing(watch: Watch) -> None:
    disbursement_id = ordered()
    old = claimed(disbursement_id, watch)
    watch.advance(20)
    claimed(disbursement_id, watch, worker="worker-2")

    with unchanged():
        defer(old, WHY, now=watch())


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_defer_all_skips_what_another_worker_holds_locked(watch: Watch) -> None:
    """The other one is claiming: its lock is held, and its claim not committed."""
    held, waiting = ordered("awa"), ordered("binta")
    rows = [stale(held), stale(waiting)]

    def deferred() -> None:
        try:
            defer_all(rows, WHY, now=watch())
        finally:
            connection.close()

    with transaction.atomic():
        Disbursement.objects.select_for_update().get(pk=held)
        ThreadPoolExecutor(1).submit(deferred).result(10)
        Disbursement.objects.filter(pk=held).update(claimed_by="worker-2", due_at=watch.after(20))

    assert (row_of(held).due_at, row_of(held).failure_code) == (watch.after(20), "")
    assert row_of(waiting).failure_code == "liquidity-short"
    assert deferrals() == [f"disbursement:{waiting}"]


# Until now


@pytest.mark.parametrize("until", [NOW, NOW - timedelta(seconds=5)])
def test_deferred_until_now_is_not_due_now(until: object, node: SteeredRail, watch: Watch) -> None:
    """A moment may have come by the time it is stored."""
    why = Deferral(DeferralCode.RAIL_STOPPED, FACTS, until)  # type: ignore[arg-type]
    first, second = ordered("awa"), ordered("binta")
    defer(claimed(first, watch), why, now=watch())
    defer_all([stale(second)], why, now=watch())

    assert claim_due(worker="worker-2", now=watch(), limit=9) == []
    assert run_due(slots=1, limit=20, clock=watch).worked == 0
    watch.advance(1)
    run(watch)
    assert (snapshot(first), row_of(second).state) == (PAID, "completed")


def unavailable_at(*calls: str) -> Callable[[SteeredRail], None]:
    def make(node: SteeredRail) -> None:
        node.unavailable_at |= set(calls)

    return make


def answers(outcome: Refused | Unknown) -> Callable[[SteeredRail], None]:
    return lambda node: node.script.extend([outcome] * 20)


def breaks(node: SteeredRail) -> None:
    node.meanwhile["prepare"] = lambda: 1 // 0


def has_too_little(node: SteeredRail) -> None:
    node.balance_msat = NET_SATS * 1_000 - 1


WAITS: dict[str, Callable[[SteeredRail], None]] = {
    "rail unavailable at balance": unavailable_at("balance"),
    "rail unavailable at prepare": unavailable_at("prepare"),
    "rail unavailable at send": unavailable_at("send"),
    "rail short": has_too_little,
    "worker broken": breaks,
    "unknown and seen": answers(Unknown(seen=True, reason="in-flight")),
    "unknown and not seen": answers(Unknown(seen=False, reason="connection-lost")),
    **{f"refused, {failure}": answers(Refused("x", failure)) for failure in FailureClass},
}


@pytest.mark.parametrize("make", WAITS.values(), ids=WAITS.keys())
def test_run_at_one_moment_takes_a_payment_that_has_to_wait_at_most_once(
    make: Callable[[SteeredRail], None], node: SteeredRail, watch: Watch
) -> None:
    """Whatever it waits for: a run whose clock stands still ends, and so does the next."""
    disbursement_id = ordered()
    make(node)

    assert run_due(slots=1, limit=20, clock=watch).worked <= 1
    assert run_due(slots=1, limit=20, clock=watch).worked == 0
    due_at = row_of(disbursement_id).due_at
    assert due_at is None or due_at > watch()
    node.finds.append(Unknown(seen=True, reason="in-flight"))
    watch.advance(20)
    assert run_due(slots=1, limit=20, clock=watch).worked <= 1
