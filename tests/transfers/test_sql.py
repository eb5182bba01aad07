"""Each raw statement against its ORM twin, on the same rows of the running engine: both give what is expected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from sunusav.core.switches import pause_outgoing
from tests.factories.limits import set_limit_to
from tests.support.locks import locked_tables
from tests.transfers.builders import BY, NOW, ordered, row_of
from transfers import sql
from transfers.enums import BreakerState, DisbursementState, LimitKind
from transfers.models import Disbursement, LimitUsage, PaymentLimit, ProviderSwitch, RailBreaker
from transfers.services.switches import switch_off

pytestmark = pytest.mark.django_db

Result = TypeVar("Result")
LATER = NOW + timedelta(minutes=5, microseconds=1)
CLAIMS: list[Any] = [sql.sendable_claims, sql.sendable_claims_orm]
RENEWALS: list[Any] = [sql.renew_processing_claims, sql.renew_processing_claims_orm]
ADMISSIONS: list[Any] = [sql.admit, sql.admit_orm]


def named(statement: Any) -> str:
    return "orm" if statement.__name__.endswith("_orm") else "raw"


def both(raw: Callable[[], Result], orm: Callable[[], Result]) -> Result:
    """Return what both statements return; each finds the database as it was before the other."""
    results = []
    for statement in (raw, orm):
        with transaction.atomic():
            results.append(statement())
            transaction.set_rollback(True)
    assert results[0] == results[1]
    return results[0]


def test_every_statement_has_its_twin() -> None:
    public = {
        name for name, value in vars(sql).items() if callable(value) and value.__module__ == sql.__name__
    }
    twins = {name for name in public if name.endswith("_orm")}
    statements = {name for name in public - twins if not name.startswith("_") and name != "claimed_q"}
    assert {f"{name}_orm" for name in statements} == twins
    assert len(statements) == 7


# Claims


@pytest.fixture
def claimed() -> list[int]:
    """Return disbursements with claim versions 1, 1, 2 and 3; the third is cancelled, the fourth scheduled."""
    ids = [ordered("awa"), ordered("binta"), ordered("coumba"), ordered("dieynaba", scheduled_at=LATER)]
    for pk, version in zip(ids, (1, 1, 2, 3), strict=True):
        Disbursement.objects.filter(pk=pk).update(claim_version=version, asks=7)
    Disbursement.objects.filter(pk=ids[2]).update(state=DisbursementState.CANCELLED)
    return ids


def held_by_version(ids: list[int]) -> dict[int, list[int]]:
    """Return claims of all four; that of the second was lost, and one more disbursement does not exist."""
    return {1: [ids[0], 10**9], 2: [ids[1], ids[2]], 3: [ids[3]]}


@pytest.mark.parametrize("is_paused", [False, True])
@pytest.mark.parametrize("rails_off", [set(), {"franc"}, {"franc", "lightning"}])
def test_sendable_claims_are_those_that_hold(
    claimed: list[int], is_paused: bool, rails_off: set[str]
) -> None:
    if is_paused:
        pause_outgoing(actor=BY, reason="for this test", now=NOW)
    for name in rails_off:
        switch_off(provider=name, actor=BY, reason="for this test", now=NOW)
    ProviderSwitch.objects.create(provider="wave", is_on=True)
    held = held_by_version(claimed)

    found = both(lambda: sql.sendable_claims(held), lambda: sql.sendable_claims_orm(held))

    assert found == (dict.fromkeys([claimed[0], claimed[2], claimed[3]], not is_paused), rails_off)


def test_sendable_claims_without_any_that_holds_are_none(claimed: list[int]) -> None:
    lost = {4: claimed}
    switch_off(provider="franc", actor=BY, reason="for this test", now=NOW)
    assert both(lambda: sql.sendable_claims(lost), lambda: sql.sendable_claims_orm(lost)) == ({}, set())


@pytest.mark.parametrize("renew", RENEWALS, ids=named)
def test_renew_processing_claims_changes_only_claimed_rows_in_process(renew: Any, claimed: list[int]) -> None:
    before = {pk: row_of(pk) for pk in claimed}

    assert renew(held_by_version(claimed), due_at=LATER) == 1

    renewed = row_of(claimed[0])
    assert (renewed.due_at, renewed.asks) == (LATER, 0)
    for pk in claimed[1:]:
        row = row_of(pk)
        assert (row.due_at, row.asks) == (before[pk].due_at, 7)


@pytest.mark.parametrize("renew", RENEWALS, ids=named)
def test_renew_processing_claims_counts_rows_that_it_leaves_as_they_are(
    renew: Any, claimed: list[int]
) -> None:
    """As MySQL does only where the driver counts matched rows: all or none of the claims must hold."""
    both_held = {1: claimed[:2]}
    assert [renew(both_held, due_at=LATER), renew(both_held, due_at=LATER)] == [2, 2]


# Breakers of rails


@pytest.fixture
def breakers() -> None:
    """Store a breaker that is closed, one with failures, one open and one half open."""
    probe: dict[str, Any] = {"retry_at": NOW, "probe_id": 1}
    for rail, state, failures, changes in (
        ("lightning", BreakerState.CLOSED, 0, {}),
        ("wave", BreakerState.CLOSED, 3, {}),
        ("orange", BreakerState.OPEN, 10, {"retry_at": NOW}),
        ("mtn", BreakerState.HALF_OPEN, 0, probe),
    ):
        RailBreaker.objects.create(rail=rail, state=state, failures=failures, changed_at=NOW, **changes)


@pytest.mark.usefixtures("breakers")
def test_unusable_rail_names_are_of_open_and_half_open_breakers_and_of_switches_that_are_off() -> None:
    switch_off(provider="franc", actor=BY, reason="for this test", now=NOW)
    ProviderSwitch.objects.create(provider="lightning", is_on=True)

    found = both(sql.unusable_rail_names, sql.unusable_rail_names_orm)

    assert found == ({"orange", "mtn"}, {"franc"})


def test_unusable_rail_names_without_breakers_and_switches_are_none() -> None:
    assert both(sql.unusable_rail_names, sql.unusable_rail_names_orm) == (set(), set())


@pytest.mark.usefixtures("breakers")
@pytest.mark.parametrize(
    ("rail", "expected"),
    [("lightning", False), ("wave", True), ("orange", True), ("mtn", True), ("unknown", False)],
)
def test_has_failures_of_a_rail(rail: str, expected: bool) -> None:
    assert both(lambda: sql.has_failures(rail), lambda: sql.has_failures_orm(rail)) is expected


# Limits


def test_lock_limits_returns_every_version_oldest_first() -> None:
    set_limit_to(LimitKind.PER_PAYOUT, 5_000, now=NOW)
    set_limit_to(LimitKind.PER_PAYOUT, 6_000, now=NOW)

    found = both(sql.lock_limits, sql.lock_limits_orm)

    assert found[-2:] == [("per_payout", 2, 5_000), ("per_payout", 3, 6_000)]
    first = PaymentLimit.objects.filter(version=1).values_list("kind", "version", "amount_sats")
    assert sorted(found[:-2]) == sorted(first)
    assert len(found) == len(LimitKind) + 2


@pytest.mark.parametrize("lock", [sql.lock_limits, sql.lock_limits_orm], ids=named)
def test_lock_limits_locks_no_row_of_the_limits(lock: Any) -> None:
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        lock()
    assert locked_tables(query["sql"] for query in queries) == (
        {"core_lock"} if connection.features.has_select_for_update else set()
    )


MINUTE = "2026-03-04T09:00"
AWA, BINTA = "2026-03-04 user:awa", "2026-03-04 user:binta"


@pytest.fixture
def usage() -> None:
    """Store usage at both sides of a minute, and of payees whose keys differ in case and in a trailing blank."""
    minutes = [("2026-03-04T08:59", 1), (MINUTE, 2), ("2026-03-04T09:01", 4)]
    days = [(AWA, 8), ("2026-03-04 user:Awa", 16), (BINTA, 32), ("2026-03-03 user:awa", 64)]
    rows = [(LimitKind.TOTAL_HOUR, minutes), (LimitKind.PER_PAYEE_DAY, days)]
    LimitUsage.objects.bulk_create(
        LimitUsage(kind=kind, key=key, used_msat=used)
        for kind, used_by_key in rows
        for key, used in used_by_key
    )


@pytest.mark.usefixtures("usage")
@pytest.mark.parametrize(
    ("day_keys", "expected"),
    [
        ([AWA], {("per_payee_day", AWA, 8)}),
        ([AWA, BINTA, "2026-03-04 user:nobody"], {("per_payee_day", AWA, 8), ("per_payee_day", BINTA, 32)}),
        # A key of another kind, and one that differs in case, name no row.
        ([MINUTE, "2026-03-04 USER:AWA"], set()),
    ],
)
def test_limit_usage_is_of_these_days_and_from_the_oldest_minute_on(
    day_keys: list[str], expected: set[sql.UsageRow]
) -> None:
    found = both(
        lambda: sorted(sql.limit_usage(day_keys=day_keys, oldest_minute=MINUTE)),
        lambda: sorted(sql.limit_usage_orm(day_keys=day_keys, oldest_minute=MINUTE)),
    )
    assert set(found) == {("total_hour", MINUTE, 2), ("total_hour", "2026-03-04T09:01", 4)} | expected
    assert len(found) == 2 + len(expected)


@pytest.mark.parametrize("admit", ADMISSIONS, ids=named)
@pytest.mark.parametrize("limit_version", [3, None])
def test_admit_records_moment_and_version_and_clears_the_deferral(
    admit: Any, limit_version: int | None
) -> None:
    admitted, other = ordered("awa"), ordered("binta")
    deferred = {"failure_code": "hour-limit", "failure_facts": {"limit_sats": 1}}
    Disbursement.objects.update(**deferred)
    at = datetime(2026, 3, 4, 23, 59, 59, 999_999, tzinfo=UTC)

    assert admit([admitted, 10**9], at=at, limit_version=limit_version) == 1

    row = row_of(admitted)
    assert (row.admitted_at, row.admitted_by_version) == (at, limit_version)
    assert (row.failure_code, row.failure_facts) == ("", {})
    assert Disbursement.objects.filter(pk=other, admitted_at=None, **deferred).exists()
