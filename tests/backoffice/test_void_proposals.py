"""A proposal whose facts have changed is void: it says which, is not offered for approval, and is proposed again."""

import pytest
from django.test import Client

from payouts.models import Group
from sunusav.core.models import Proposal
from sunusav.core.roles import Role
from sunusav.core.switches import pause_outgoing
from tests.backoffice.conftest import Enter
from tests.backoffice.proposals_made import MAKERS
from tests.backoffice.world import World
from tests.factories.payouts import ACTOR, NOW

PROPOSALS = "/admin/core/proposal/"
AGAIN = f"{PROPOSALS}actions/propose-again/"


@pytest.fixture
def void(world: World) -> Proposal:
    Group.objects.filter(pk="fass").update(name="Tontine Fass-Colobane")
    return world.verification


def cells(what: str, then: str, now: str) -> str:
    heads = ("what", "as proposed", "now")
    return "".join(
        f'<td data-label="{head}">{cell}</td>' for head, cell in zip(heads, (what, then, now), strict=True)
    )


def page(client: Client, proposal: Proposal) -> str:
    return client.get(f"{PROPOSALS}{proposal.pk}/change/").content.decode()


def test_void_proposal_shows_what_differs_and_offers_no_approval(void: Proposal, enter: Enter) -> None:
    shown = page(enter(Role.APPROVER), void)

    assert "This proposal is void" in shown
    assert cells("Name", "Tontine Fass", "Tontine Fass-Colobane") in shown
    assert '<td data-label="what">Country</td>' not in shown  # as it was
    assert "actions/approve" not in shown
    assert "actions/reject" in shown
    assert "actions/propose-again" not in shown  # the approver proposes nothing


def test_void_proposal_is_proposed_again_by_finance_and_lapses(void: Proposal, enter: Enter) -> None:
    finance = enter(Role.FINANCE)
    assert f"{AGAIN}?pk={void.pk}" in page(finance, void)
    asked = finance.get(AGAIN, {"pk": void.pk}).content.decode()
    assert "Tontine Fass-Colobane" in asked

    finance.post(AGAIN, {"pk": void.pk, "reason": "the name was corrected"})

    void.refresh_from_db()
    new = Proposal.objects.get(kind="group_verification", state="open")
    assert void.state == "withdrawn"
    assert (new.facts["name"], new.proposer.get_username()) == ("Tontine Fass-Colobane", "a-finance")
    assert "actions/approve" in page(enter(Role.APPROVER), new)


def test_proposal_as_proposed_is_not_offered_again(world: World, enter: Enter) -> None:
    assert "actions/propose-again" not in page(enter(Role.FINANCE), world.verification)


def test_proposal_without_a_subject_any_more_says_why(world: World, enter: Enter) -> None:
    proposal = MAKERS["cycle_short_closing"](world)
    type(world.collecting).objects.filter(pk=world.collecting.pk).update(
        state="cancelled", cancelled_at=NOW, settled_count=2
    )

    shown = page(enter(Role.FINANCE), proposal)

    assert "This proposal is void" in shown
    assert "It cannot be proposed again." in shown
    assert "actions/propose-again" not in shown


def test_pause_with_a_new_reason_shows_the_new_one(world: World, enter: Enter) -> None:
    proposal = MAKERS["outgoing_resume"](world)
    pause_outgoing(actor=ACTOR, reason="and the books differ", now=NOW)

    shown = page(enter(Role.APPROVER), proposal)

    assert cells("Pause reason", "odd node", "odd node | and the books differ") in shown
