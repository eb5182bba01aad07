"""Concurrent calls, on a database with row locks."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from time import monotonic, sleep
from typing import Any

import pytest
from django.db import connection, transaction

from fees.enums import DiscountKind
from fees.errors import DiscountAlreadyGranted, FeeAlreadyReversed
from fees.models import DiscountGrant, FeeBracketDraft, FeeRecord, FeeSchedule, FeeScheduleDraft
from fees.services import reverse_fee
from sunusav.core import approvals
from sunusav.core.approvals import ProposalFactsChanged
from sunusav.core.errors import DomainError
from sunusav.core.roles import Role
from tests.fees.builders import (
    ACTOR,
    LATER,
    NOW,
    draft,
    fixed,
    granted,
    person,
    proposed,
    recorded,
    stored_rate,
)

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Start all calls at once; return the result or refusal of each."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            barrier.wait()
            return call()
        except DomainError as refusal:
            return type(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_grant_the_same_discount_at_once_grants_one():
    results = at_once(*[lambda: granted("user:u-1", DiscountKind.SUBSCRIPTION, discount_bps=2_500)] * 8)

    assert results.count(DiscountAlreadyGranted) == 7
    assert DiscountGrant.objects.count() == 1


def test_grant_after_an_ended_one_at_once_grants_one():
    granted("user:u-1", DiscountKind.SUBSCRIPTION, ends_at=LATER)

    results = at_once(
        *[lambda: granted("user:u-1", DiscountKind.SUBSCRIPTION, starts_at=LATER, discount_bps=1)] * 8
    )

    assert results.count(DiscountAlreadyGranted) == 7
    assert DiscountGrant.objects.filter(closed_at=None).count() == 1


def test_reverse_the_same_fee_at_once_reverses_it_once():
    stored_rate()
    record_id = recorded(fixed())

    results = at_once(*[lambda: reverse_fee(record_id=record_id, actor=ACTOR, reason="test", now=LATER)] * 8)

    assert results.count(FeeAlreadyReversed) == 7
    assert FeeRecord.objects.count() == 2


def test_publish_two_drafts_at_once_gives_them_consecutive_versions():
    finance, approver = person("awa", Role.FINANCE), person("binta", Role.APPROVER)
    waiting = [proposed(draft(finance, effective_at=LATER + timedelta(days=n)), finance) for n in range(4)]

    def approve(proposal: Any) -> Callable[[], Any]:
        return lambda: approvals.approve(
            proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=NOW
        )

    at_once(*[approve(proposal) for proposal in waiting])

    assert sorted(FeeSchedule.objects.values_list("version", flat=True)) == [1, 2, 3, 4, 5]
    assert all(row.brackets.count() == 1 for row in FeeSchedule.objects.all())


def test_publish_that_waits_for_an_edit_to_commit_publishes_nothing():
    """The approval reads the draft before the edit commits, and gets its lock after."""
    finance, approver = person("awa", Role.FINANCE), person("binta", Role.APPROVER)
    row = draft(finance)
    proposal = proposed(row, finance)

    def approve() -> Any:
        return approvals.approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=NOW)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            FeeScheduleDraft.objects.select_for_update().get(pk=row.pk)
            FeeBracketDraft.objects.filter(draft=row).update(base_rate_ppm=1)
            answer = pool.submit(at_once, approve)
            wait_for_a_lock_on("fees_feescheduledraft")
        assert answer.result() == [ProposalFactsChanged]

    assert FeeSchedule.objects.count() == 1
    assert FeeScheduleDraft.objects.get().state == "draft"


def wait_for_a_lock_on(table: str) -> None:
    """Return once another connection waits for a lock of a row of this table."""
    statement = (
        "SELECT COUNT(*) FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND info LIKE %s"
    )
    ends = monotonic() + 20
    while monotonic() < ends:
        with connection.cursor() as cursor:
            cursor.execute(statement, [f"%`{table}`%FOR UPDATE%"])
            if cursor.fetchone()[0]:
                return
        sleep(0.01)
    raise AssertionError(f"no connection waits for {table}")
