"""A person has the provider queried now: only a worker does it, and one that claimed the payment does so already."""

from typing import Any

import pytest

from sunusav.core.models import TrailEntry
from tests.transfers.builders import BY, NET_MSAT, NET_SATS, claimed, ordered, row_of, run
from tests.transfers.rails import SteeredRail, Watch, hash_of
from tests.transfers.resolution_cases import Case
from tests.transfers.unchanged import unchanged
from transfers.errors import AttemptNotOpen, DisbursementMissing
from transfers.services.reconciliation import query_now

pytestmark = pytest.mark.django_db


def ask_now(disbursement_id: int, watch: Watch) -> None:
    query_now(disbursement_id=disbursement_id, actor=BY, now=watch())


def test_query_now_makes_it_due_and_a_worker_books_the_answer(node: SteeredRail, watch: Watch) -> None:
    case = Case(node, watch)
    node.paid[hash_of("awa", NET_SATS)] = NET_MSAT
    calls = list(node.calls)

    ask_now(case.id, watch)

    assert node.calls == calls, "a web process never speaks to the paying node"
    assert row_of(case.id).due_at == watch()
    assert TrailEntry.objects.get(action="ask_outside").actor_label == BY.label
    assert run(watch) == 1
    assert case.snapshot.state == "completed"


def test_query_now_wakes_the_worker(
    node: SteeredRail, watch: Watch, django_capture_on_commit_callbacks: Any
) -> None:
    case = Case(node, watch)

    with django_capture_on_commit_callbacks() as woken:
        ask_now(case.id, watch)

    assert len(woken) == 1


def test_query_now_keeps_the_lease_of_a_worker(node: SteeredRail, watch: Watch) -> None:
    case = Case(node, watch)
    watch.advance(600)
    claim = claimed(case.id, watch)
    before = row_of(case.id).due_at

    ask_now(case.id, watch)

    row = row_of(case.id)
    assert (row.due_at, row.claim_version) == (before, claim.version)


def test_query_now_without_an_open_attempt_is_refused(watch: Watch) -> None:
    disbursement_id = ordered()
    with unchanged(), pytest.raises(AttemptNotOpen) as refusal:
        ask_now(disbursement_id, watch)
    assert refusal.value.facts == {"disbursement_id": disbursement_id, "state": "processing"}


def test_query_now_of_an_unknown_payment_is_refused(watch: Watch) -> None:
    with unchanged(), pytest.raises(DisbursementMissing):
        ask_now(10**9, watch)
