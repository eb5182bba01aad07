"""An approval is given to what was shown: a change of any shown fact voids it, also in the middle of the approval."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from fees.queries import forget_schedules
from sunusav.core.app_modules import collect
from sunusav.core.approvals import ProposalFactsChanged, approve
from sunusav.core.errors import DomainError
from sunusav.core.models import Approval, Proposal, User
from sunusav.core.roles import Role
from tests.architecture.approval_cases import KINDS, LATER
from tests.factories.users import make_user
from tests.support.locks import wait_until_blocked
from tests.support.triggers import without_triggers
from tests.transfers.unchanged import unchanged
from transfers.collectors import collector
from transfers.rails import rail

LOCKABLE = sorted(kind for kind, case in KINDS.items() if case.lock is not None)


@pytest.fixture(autouse=True)
def plugins(settings: Settings) -> Iterator[None]:
    settings.PARTNERS = ["wave"]
    settings.RAILS = {
        "lightning": "tests.transfers.rails.SteeredRail", "wave": "tests.fakes.franc_rail.ScriptedWaveRail",
    }  # fmt: skip
    settings.COLLECTORS = {
        "lightning": "tests.transfers.rails.SteeredCollector",
        "wave": "tests.transfers.rails.OtherSteeredCollector",
    }
    forgets: list[Callable[[], None]] = [rail.cache_clear, collector.cache_clear, forget_schedules]
    for forget in forgets:
        forget()
    yield
    for forget in forgets:
        forget()


def approved(proposal: Proposal, approver: User) -> Proposal:
    return approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=LATER)


def test_every_kind_of_proposal_has_a_case() -> None:
    assert {item.kind for item in collect("approvables", "APPROVABLES")} == set(KINDS)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_proposal_shows_these_facts_and_is_approved_while_they_hold(kind: str) -> None:
    proposal = KINDS[kind].propose()

    assert (proposal.kind, set(proposal.facts)) == (kind, KINDS[kind].shown)
    assert approved(proposal, make_user(Role.APPROVER)).state == "approved"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_proposal_of_which_a_shown_fact_has_changed_is_not_approved(kind: str) -> None:
    """One proposal and one look without triggers for all its facts: each change but the last is rolled back."""
    case = KINDS[kind]
    proposal, approver = case.propose(), make_user(Role.APPROVER)
    with without_triggers(connection):
        rolled_back = [fact for fact in case.changes if fact != case.commits]
        accepted = [fact for fact in rolled_back if not _voids(case.changes[fact], proposal, approver)]
        if case.commits:
            case.changes[case.commits]()
            accepted += [] if _is_void(proposal, approver) else [case.commits]

    assert accepted == []


def _voids(change: Callable[[], Any], proposal: Proposal, approver: User) -> bool:
    with transaction.atomic():
        change()
        is_void = _is_void(proposal, approver)
        transaction.set_rollback(True)
    return is_void


def _is_void(proposal: Proposal, approver: User) -> bool:
    """Return whether a proposal can no longer be approved; a refusal changes nothing."""
    with unchanged():
        return _refuses_changed_facts(proposal, approver)


def _refuses_changed_facts(proposal: Proposal, approver: User) -> bool:
    try:
        approved(proposal, approver)
    except ProposalFactsChanged:
        return True
    return False


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", LOCKABLE)
def test_fact_that_changes_while_the_approval_waits_for_the_lock_voids_it(kind: str) -> None:
    """The approval has read and compared the facts; they change before it holds the lock."""
    case = KINDS[kind]
    proposal, approver = case.propose(), make_user(Role.APPROVER)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert case.lock is not None
            case.lock()
            approving = pool.submit(_on_own_connection, lambda: approved(proposal, approver))
            wait_until_blocked(connection)
            case.changes[case.meanwhile]()
        refusal = approving.result(60)

    assert isinstance(refusal, ProposalFactsChanged)
    proposal.refresh_from_db()
    assert (proposal.state, Approval.objects.filter(proposal=proposal).count()) == ("open", 0)


def _on_own_connection(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except DomainError as refusal:
        return refusal
    finally:
        connection.close()
