"""A proposer learns the outcome of their proposals: until they have read it, for a week at most."""

from datetime import datetime, timedelta

import pytest
from django.test import Client

from sunusav.backoffice.decisions import OUTCOMES_SHOWN_FOR, OwnProposal, decided_proposals_of
from sunusav.core.approvals import propose, reject, withdraw
from sunusav.core.models import Proposal, User
from sunusav.core.roles import Role
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World, person
from tests.factories.payouts import NOW

CHECKER = "moussa"


def refuse(proposal: Proposal, *, at: datetime = NOW) -> None:
    reject(proposal_id=proposal.pk, approver=person(CHECKER, Role.APPROVER), reason="no papers", now=at)


def own(user: User, *, now: datetime = NOW) -> list[tuple[int, str, str]]:
    rows: list[OwnProposal] = decided_proposals_of(user, now=now)
    return [(row.proposal.pk, row.decided_by, row.reason) for row in rows]


def open_page(world: World, user: User, proposal: Proposal) -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    assert client.get(f"/admin/core/proposal/{proposal.pk}/change/").status_code == 200


def test_open_ones_come_first_then_the_outcome_with_who_and_why(world: World) -> None:
    refuse(world.verification)

    assert own(world.proposer) == [
        (world.manual_rate.pk, "", ""),
        (world.verification.pk, CHECKER, "no papers"),
    ]
    assert own(person("binta", Role.FINANCE)) == []


def test_an_outcome_is_shown_for_a_week(world: World) -> None:
    refuse(world.verification)
    waiting = (world.manual_rate.pk, "", "")

    assert len(own(world.proposer, now=NOW + OUTCOMES_SHOWN_FOR)) == 2
    assert own(world.proposer, now=NOW + OUTCOMES_SHOWN_FOR + timedelta(seconds=1)) == [waiting]


def test_the_proposer_who_opens_it_has_seen_it_and_others_have_not(world: World, enter: Enter) -> None:
    refuse(world.verification)
    enter(Role.AUDITOR).get(f"/admin/core/proposal/{world.verification.pk}/change/")
    assert len(own(world.proposer)) == 2

    open_page(world, world.proposer, world.verification)
    open_page(world, world.proposer, world.manual_rate)  # still open: stays

    assert own(world.proposer) == [(world.manual_rate.pk, "", "")]


def test_what_the_proposer_withdrew_is_no_news(world: World) -> None:
    withdraw(proposal_id=world.verification.pk, proposer=world.proposer, now=NOW)

    assert own(world.proposer) == [(world.manual_rate.pk, "", "")]


@pytest.mark.parametrize(("is_own", "shown"), [(True, 0), (False, 1)])
def test_what_lapsed_because_another_person_proposed_again_is_news(
    world: World, *, is_own: bool, shown: int
) -> None:
    world.group.__class__.objects.filter(pk="fass").update(name="Tontine Fass-Colobane")
    again = world.proposer if is_own else person("binta", Role.FINANCE)

    propose(kind="group_verification", subject_id="fass", proposer=again, now=NOW)

    lapsed = [row for row in own(world.proposer) if row[0] == world.verification.pk]
    assert lapsed == [(world.verification.pk, "", "")] * shown
