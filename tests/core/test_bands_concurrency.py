"""Approvals at the same moment, each on its own connection: the last one needed carries the proposal out, once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction

from ledger.models import ExchangeRate
from sunusav.core import approvals
from sunusav.core.band_services import BandValue
from sunusav.core.models import Proposal, TrailEntry, User
from sunusav.core.roles import Role
from tests.core.test_bands import RATE, rate_proposal
from tests.factories.bands import set_band
from tests.factories.users import make_user
from tests.support.at_once import at_once
from tests.support.locks import wait_until_blocked

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


def approving(proposal: Proposal, approver: User, now: datetime) -> Callable[[], Any]:
    return lambda: (
        approvals.approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=now).state
    )


def proposal_that_needs_two(now: datetime) -> Proposal:
    set_band(BandValue(RATE, approvals_needed=2), now=now)
    return rate_proposal(now)


def test_two_last_approvers_at_once_carry_it_out_once(now: datetime) -> None:
    proposal = proposal_that_needs_two(now)
    approvals.approve(
        proposal_id=proposal.pk, approver=make_user(Role.APPROVER), digest=proposal.digest, now=now
    )
    people = [make_user(Role.APPROVER) for _ in range(2)]

    answers = at_once([approving(proposal, person, now) for person in people])

    assert sorted(getattr(answer, "code", answer) for answer in answers) == ["approved", "proposal-not-open"]
    assert (proposal.approvals.count(), ExchangeRate.objects.filter(source="manual").count()) == (2, 1)


def test_two_approvers_at_once_are_both_counted(now: datetime) -> None:
    """Without the lock each would count only its own approval, and the proposal would stay open."""
    proposal = proposal_that_needs_two(now)
    people = [make_user(Role.APPROVER) for _ in range(2)]

    answers = at_once([approving(proposal, person, now) for person in people])

    assert sorted(answers) == ["approved", "open"]
    numbers = TrailEntry.objects.filter(action="approve", subject=f"{RATE}:{proposal.subject_id}")
    assert sorted(line.facts["approvals_given"] for line in numbers) == [1, 2]
    assert ExchangeRate.objects.filter(source="manual").count() == 1


def test_role_that_is_taken_while_the_last_approval_waits_no_longer_counts(now: datetime) -> None:
    proposal, first, last = proposal_that_needs_two(now), make_user(Role.APPROVER), make_user(Role.APPROVER)
    approvals.approve(proposal_id=proposal.pk, approver=first, digest=proposal.digest, now=now)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Proposal.objects.select_for_update().get(pk=proposal.pk)
            approving_last = pool.submit(at_once, [approving(proposal, last, now)])
            wait_until_blocked(connection)
            first.groups.clear()
        [state] = approving_last.result(60)

    assert (state, ExchangeRate.objects.filter(source="manual").count()) == ("open", 0)


def test_same_person_twice_at_once_is_counted_once(now: datetime) -> None:
    proposal, person = proposal_that_needs_two(now), make_user(Role.APPROVER)

    answers = at_once([approving(proposal, person, now) for _ in range(2)])

    codes = sorted(str(getattr(answer, "code", answer)) for answer in answers)
    assert codes == ["approver-decided-already", "open"]
    assert (proposal.approvals.count(), Proposal.objects.get(pk=proposal.pk).state) == (1, "open")
