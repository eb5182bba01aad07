"""Deciding on several proposals at once: each is decided on by itself, and a page says what became of it."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from ledger.models import ExchangeRate
from sunusav.backoffice.actions import MAX_ROWS
from sunusav.core import clock
from sunusav.core.models import Approval, Proposal, User
from sunusav.core.roles import Role
from tests.backoffice.conftest import Enter
from tests.backoffice.test_approvals import PROPOSALS, _state
from tests.backoffice.world import World, person

APPROVE, REJECT = f"{PROPOSALS}actions/approve/", f"{PROPOSALS}actions/reject/"


@pytest.fixture
def world(world: World) -> World:
    """Return the world in which its manual rate is not out of the ordinary: such a proposal is decided alone."""
    ExchangeRate.objects.create(
        rate_xof_per_btc=Decimal(65_000_000), source="market", observed_at=clock.now(), recorded_at=clock.now(),
        components={},
    )  # fmt: skip
    return world


def sent(*proposals: Proposal, **fields: Any) -> dict[str, Any]:
    """Return what the confirmation of these proposals posts."""
    seen = {f"seen-{row.pk}": row.digest for row in proposals}
    return {"pk": [row.pk for row in proposals], **seen, **fields}


def row_of(page: str, proposal: Proposal) -> str:
    """Return the row of the page's table that is about a proposal."""
    rows = page.partition("<tbody>")[2].partition("</tbody>")[0].split("<tr>")
    [found] = [row for row in rows if f'href="{PROPOSALS}{proposal.pk}/change/"' in row]
    return found


def test_confirmation_of_a_batch_carries_the_digest_of_each(world: World, enter: Enter) -> None:
    page = enter(Role.APPROVER).get(APPROVE, {"pk": [world.verification.pk, world.manual_rate.pk]})

    for row in (world.verification, world.manual_rate):
        assert f'name="seen-{row.pk}" value="{row.digest}"' in page.content.decode()
    assert (_state(world.verification), _state(world.manual_rate)) == ("open", "open")


def test_batch_is_approved_with_a_result_for_each(world: World, enter: Enter) -> None:
    response = enter(Role.APPROVER).post(APPROVE, sent(world.verification, world.manual_rate))

    page = response.content.decode()
    assert response.status_code == 200
    assert "Done: 2 of 2." in page
    for row in (world.verification, world.manual_rate):
        assert "<td>approved</td>" in row_of(page, row)
    assert (_state(world.verification), _state(world.manual_rate)) == ("approved", "approved")


@pytest.mark.parametrize("seen", ["", "0" * 64])
def test_proposal_whose_digest_was_not_shown_is_refused_and_the_others_are_approved(
    world: World, enter: Enter, seen: str
) -> None:
    posted = {**sent(world.verification, world.manual_rate), f"seen-{world.verification.pk}": seen}

    page = enter(Role.APPROVER).post(APPROVE, posted).content.decode()

    assert "Done: 1 of 2." in page
    assert "[proposal-facts-changed]" in row_of(page, world.verification)
    assert "<td>refused</td>" in row_of(page, world.verification)
    assert "<td>approved</td>" in row_of(page, world.manual_rate)
    assert (_state(world.verification), _state(world.manual_rate)) == ("open", "approved")
    assert not Approval.objects.filter(proposal=world.verification).exists()


def test_digest_of_another_proposal_of_the_batch_does_not_do(world: World, enter: Enter) -> None:
    posted = {
        **sent(world.verification, world.manual_rate),
        f"seen-{world.verification.pk}": world.manual_rate.digest,
    }

    enter(Role.APPROVER).post(APPROVE, posted)

    assert (_state(world.verification), _state(world.manual_rate)) == ("open", "approved")


def test_own_proposal_in_a_batch_is_refused_and_the_others_are_approved(world: World, enter: Enter) -> None:
    User.objects.filter(pk=world.proposer.pk).update(is_superuser=True)
    Proposal.objects.filter(pk=world.manual_rate.pk).update(proposer=person("other", Role.FINANCE))
    client = Client(headers={"accept-language": "en"})
    client.force_login(world.proposer)

    page = client.post(APPROVE, sent(world.verification, world.manual_rate)).content.decode()

    assert "[approver-is-proposer]" in row_of(page, world.verification)
    assert (_state(world.verification), _state(world.manual_rate)) == ("open", "approved")


def test_proposal_that_the_person_may_not_decide_on_is_refused_by_row(world: World, enter: Enter) -> None:
    user = person("rates", None)
    names = ("view_proposal", "approve_manual_rate")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)

    page = client.post(APPROVE, sent(world.verification, world.manual_rate)).content.decode()

    assert "your role does not allow it" in row_of(page, world.verification)
    assert (_state(world.verification), _state(world.manual_rate)) == ("open", "approved")
    assert client.post(APPROVE, sent(world.verification)).status_code == 403


def test_batch_is_rejected_with_one_reason(world: World, enter: Enter) -> None:
    posted = sent(world.verification, world.manual_rate, reason="not today")
    Proposal.objects.filter(pk=world.verification.pk).update(
        state="withdrawn", decided_at=world.manual_rate.proposed_at
    )

    page = enter(Role.APPROVER).post(REJECT, posted).content.decode()

    assert "Done: 1 of 2." in page
    assert "[proposal-not-open]" in row_of(page, world.verification)
    assert _state(world.manual_rate) == "rejected"
    assert Approval.objects.get(proposal=world.manual_rate).reason == "not today"
    assert not ExchangeRate.objects.filter(source="manual").exists()


def test_batch_without_a_reason_rejects_nothing(world: World, enter: Enter) -> None:
    response = enter(Role.APPROVER).post(REJECT, sent(world.verification, world.manual_rate, reason=" "))

    given = Approval.objects.filter(proposal__in=[world.verification, world.manual_rate])
    assert (response.status_code, given.count()) == (200, 0)
    assert response.context["form"].errors.keys() == {"reason"}


def test_batch_that_is_too_large_is_not_run(world: World, enter: Enter) -> None:
    row = world.manual_rate
    posted = {**sent(row), "pk": [row.pk, *range(10_000, 10_000 + MAX_ROWS)]}

    response = enter(Role.APPROVER).post(APPROVE, posted)

    assert (response.status_code, _state(row)) == (302, "open")
