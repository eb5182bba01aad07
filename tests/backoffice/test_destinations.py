"""Finance proposes where a winner is paid; the approver sees before and after, masked, and whether the payout waits."""

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from payouts.models import Cycle, ProposedDestination
from payouts.services.cycles import set_destination
from sunusav.backoffice.decisions import evidence_of
from sunusav.core.models import Proposal
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.conftest import Enter
from tests.factories.payouts import ACTOR, NOW, make_group, make_ready_cycle
from tests.fakes.franc_rail import NAME as FRANCS
from tests.fakes.franc_rail import phone
from tests.fakes.rail import invoice
from tests.ledger.builders import stored_rate
from transfers.destination_queries import open_destinations
from transfers.rails import rail

pytestmark = pytest.mark.django_db

PROPOSE = "/admin/payouts/cycle/actions/propose-destination/"
GIVEN = {
    "rail": FRANCS, "kind": "phone", "value": "77 000 00 09", "second_rail": "", "second_kind": "",
    "second_value": "", "reason": "lost the phone",
}  # fmt: skip


@pytest.fixture
def cycle(settings: Settings) -> Iterator[Cycle]:
    """Return a ready cycle whose winner gave an invoice."""
    settings.RAILS = {**settings.RAILS, FRANCS: "tests.fakes.franc_rail.ScriptedFrancRail"}
    rail.cache_clear()
    sync_roles()
    stored_rate()
    yield make_ready_cycle(make_group(members=2), destination=invoice("first@wallet-a", 19_800))
    rail.cache_clear()


def page(client: Client, url: str) -> str:
    return client.get(url).content.decode()


def test_proposed_destination_is_masked_and_set_once_approved(cycle: Cycle, enter: Enter) -> None:
    finance, approver = enter(Role.FINANCE), enter(Role.APPROVER)
    of_cycle = f"/admin/payouts/cycle/{cycle.pk}/change/"
    assert f"{PROPOSE}?pk={cycle.pk}" in page(finance, of_cycle)

    sent = finance.post(PROPOSE, {"pk": cycle.pk, **GIVEN})

    assert (sent.status_code, sent.headers["Location"]) == (302, of_cycle)
    proposal = Proposal.objects.get(kind="cycle_destination")
    shown = page(approver, f"/admin/core/proposal/{proposal.pk}/change/")
    for part in (
        "If you approve", "user-0 is paid to the destination below", "+22177•••••09", "payout waits 24 hours",
        proposal.facts["destination_digest"], "lost the phone", "not the one that the winner has as a member",
    ):  # fmt: skip
        assert part in shown, part
    for text in (shown, page(finance, of_cycle)):
        assert [clear for clear in ("+221770000009", "770000009", "77 000 00 09") if clear in text] == []

    approver.post(
        "/admin/core/proposal/actions/approve/",
        {"pk": proposal.pk, f"seen-{proposal.pk}": proposal.digest},
    )

    [now] = open_destinations(Cycle.objects.get(pk=cycle.pk).destinations)
    assert now == phone("+221770000009")


def test_page_says_when_the_phone_is_the_winners_own(cycle: Cycle, enter: Enter) -> None:
    enter(Role.FINANCE).post(PROPOSE, {"pk": cycle.pk, **GIVEN, "value": "77 123 45 67"})

    proposal = Proposal.objects.get(kind="cycle_destination")
    shown = page(enter(Role.APPROVER), f"/admin/core/proposal/{proposal.pk}/change/")

    assert "the one that the winner has as a member" in shown
    assert "not the one" not in shown


def test_page_says_of_each_phone_whose_it_is(cycle: Cycle, enter: Enter) -> None:
    second = {"second_rail": FRANCS, "second_kind": "phone", "second_value": "+221770000009"}
    enter(Role.FINANCE).post(PROPOSE, {"pk": cycle.pk, **GIVEN, "value": "77 123 45 67", **second})

    proposal = Proposal.objects.get(kind="cycle_destination")
    found = evidence_of(proposal)
    assert found is not None
    shown = {str(label): str(value) for label, value in found.effect}
    assert shown["Phone"] == "the one that the winner has as a member"
    assert shown["Phone of the second choice"] == "not the one that the winner has as a member"


def test_same_payee_does_not_make_the_payout_wait(cycle: Cycle, enter: Enter) -> None:
    again = invoice("second@wallet-a", 19_800)
    given = {**GIVEN, "rail": again.rail, "kind": again.kind, "value": again.value}
    enter(Role.FINANCE).post(PROPOSE, {"pk": cycle.pk, **given})

    proposal = Proposal.objects.get(kind="cycle_destination")
    shown = page(enter(Role.APPROVER), f"/admin/core/proposal/{proposal.pk}/change/")

    assert "It does not count as replaced" in shown
    assert "payout waits 24 hours" not in shown


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"value": "12"}, "A phone number such as +221771234567 is required."),
        ({"second_rail": FRANCS}, "Give the rail, the kind and the destination, or none of them."),
        ({"reason": ""}, "This field is required."),
        ({"kind": "bolt11", "value": "lnbc1"}, "["),
        ({"rail": "unknown"}, "Select a valid choice."),
    ],
)
def test_refused_form_keeps_what_was_typed_and_proposes_nothing(
    cycle: Cycle, enter: Enter, changed: dict[str, str], message: str
) -> None:
    answer = enter(Role.FINANCE).post(PROPOSE, {"pk": cycle.pk, **GIVEN, "reason": "lost it", **changed})

    assert answer.status_code == 200
    shown = answer.content.decode()
    assert message in shown
    assert changed.get("value", "77 000 00 09") in shown
    assert (Proposal.objects.count(), ProposedDestination.objects.count()) == (0, 0)


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
def test_other_roles_have_no_button_and_are_refused(cycle: Cycle, enter: Enter, role: Role) -> None:
    client = enter(role)

    assert client.post(PROPOSE, {"pk": cycle.pk, **GIVEN}).status_code == 403
    assert PROPOSE not in page(client, f"/admin/payouts/cycle/{cycle.pk}/change/")
    assert not ProposedDestination.objects.exists()


def test_proposal_voided_by_a_newer_destination_still_has_a_page(cycle: Cycle, enter: Enter) -> None:
    enter(Role.FINANCE).post(PROPOSE, {"pk": cycle.pk, **GIVEN})
    proposal = Proposal.objects.get(kind="cycle_destination")
    set_destination(cycle_id=cycle.pk, destination=invoice("third@wallet-c", 19_800), actor=ACTOR, now=NOW)

    approver = enter(Role.APPROVER)
    approver.post(
        "/admin/core/proposal/actions/approve/",
        {"pk": proposal.pk, f"seen-{proposal.pk}": proposal.digest},
    )

    assert approver.get(f"/admin/core/proposal/{proposal.pk}/change/").status_code == 200
    [now] = open_destinations(Cycle.objects.get(pk=cycle.pk).destinations)
    assert now.value == invoice("third@wallet-c", 19_800).value
