"""A second person decides on exactly what was shown; nobody decides on their own proposal."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from fees.models import FeeSchedule
from ledger.models import ExchangeRate, ManualRateRequest
from payouts.models import Group
from sunusav.core.approvals import propose
from sunusav.core.models import Proposal, User
from sunusav.core.roles import Role
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World, person
from tests.factories.payouts import NOW

PROPOSALS = "/admin/core/proposal/"


def _decide(client: Client, verb: str, proposal: Proposal, *, status: int = 302, **fields: Any) -> list[str]:
    """Send a decision; a form with something typed is shown again (200) when the service refuses."""
    sent = {"pk": proposal.pk, f"seen-{proposal.pk}": proposal.digest, **fields}
    response = client.post(f"{PROPOSALS}actions/{verb}/", sent)
    assert response.status_code == status
    return [str(message) for message in get_messages(response.wsgi_request)]


def _state(proposal: Proposal) -> str:
    return str(Proposal.objects.values_list("state", flat=True).get(pk=proposal.pk))


def _page(client: Client, proposal: Proposal) -> str:
    return client.get(f"{PROPOSALS}{proposal.pk}/change/").content.decode()


def test_approver_sees_what_is_proposed_and_approves_it(world: World, enter: Enter) -> None:
    client = enter(Role.APPROVER)
    page = _page(client, world.manual_rate)
    assert "66\u202f000\u202f000.5\u00a0F\u00a0CFA\u00a0/\u00a0BTC" in page
    assert "actions/approve" in page
    asked = client.get(f"{PROPOSALS}actions/approve/", {"pk": world.manual_rate.pk}).content.decode()
    assert f'name="seen-{world.manual_rate.pk}" value="{world.manual_rate.digest}"' in asked
    assert _state(world.manual_rate) == "open"

    decided = _decide(client, "approve", world.manual_rate, typed_figure="66000000.5")
    assert decided[-1].endswith(": approved")

    assert _state(world.manual_rate) == "approved"
    assert ExchangeRate.objects.get(source="manual").rate_xof_per_btc == Decimal("66000000.5")


def test_group_is_verified_by_the_approval(world: World, enter: Enter) -> None:
    _decide(enter(Role.APPROVER), "approve", world.verification)

    page = enter(Role.AUDITOR).get("/admin/payouts/group/fass/change/").content.decode()
    assert 'data-boolean="yes"' in page


def test_proposer_has_no_button_and_is_refused(world: World) -> None:
    client = Client(headers={"accept-language": "en"})
    world.proposer.groups.clear()
    User.objects.filter(pk=world.proposer.pk).update(is_superuser=True)  # may everything, but not this
    client.force_login(world.proposer)

    assert "actions/approve" not in _page(client, world.verification)
    assert "actions/withdraw" in _page(client, world.verification)
    messages = _decide(client, "approve", world.verification)

    assert "[approver-is-proposer]" in messages[-1]
    assert _state(world.verification) == "open"


def test_rejecting_needs_a_reason_and_keeps_it(world: World, enter: Enter) -> None:
    client = enter(Role.APPROVER)
    sent = {"pk": world.verification.pk, "reason": ""}
    assert client.post(f"{PROPOSALS}actions/reject/", sent).status_code == 200
    assert _state(world.verification) == "open"

    _decide(client, "reject", world.verification, reason="no papers")

    assert _state(world.verification) == "rejected"
    assert "no papers" in _page(client, world.verification)


def test_only_the_proposer_withdraws(world: World, enter: Enter) -> None:
    assert "[not-the-proposer]" in _decide(enter(Role.APPROVER), "withdraw", world.verification)[-1]
    assert _state(world.verification) == "open"

    client = Client(headers={"accept-language": "en"})
    client.force_login(world.proposer)
    _decide(client, "withdraw", world.verification)

    assert _state(world.verification) == "withdrawn"


def test_changed_facts_are_not_approved(world: World, enter: Enter) -> None:
    Group.objects.filter(pk="fass").update(name="Tontine Fass-Colobane")

    messages = _decide(enter(Role.APPROVER), "approve", world.verification)

    assert "[proposal-facts-changed]" in messages[-1]
    assert "proposed again" in messages[-1]
    assert _state(world.verification) == "open"


@pytest.mark.parametrize("seen", ["", "0" * 64])
def test_approval_with_another_digest_is_refused(world: World, enter: Enter, seen: str) -> None:
    fields: dict[str, Any] = {f"seen-{world.verification.pk}": seen}

    assert (
        "[proposal-facts-changed]"
        in _decide(enter(Role.APPROVER), "approve", world.verification, **fields)[-1]
    )
    assert _state(world.verification) == "open"


def test_deciding_twice_is_refused(world: World, enter: Enter) -> None:
    client = enter(Role.APPROVER)
    _decide(client, "approve", world.verification)

    assert "[proposal-not-open]" in _decide(client, "approve", world.verification)[-1]


@pytest.mark.parametrize("role", [Role.FINANCE, Role.AUDITOR, Role.OPERATOR])
@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_deciding_without_permission_is_forbidden(world: World, enter: Enter, role: Role, verb: str) -> None:
    client, url = enter(role), f"{PROPOSALS}actions/{verb}/"
    sent = {
        "pk": world.verification.pk,
        "reason": "x",
        f"seen-{world.verification.pk}": world.verification.digest,
    }

    assert client.get(url, {"pk": world.verification.pk}).status_code == 403
    assert client.post(url, sent).status_code == 403
    assert _state(world.verification) == "open"


def test_filter_waiting_for_me_shows_what_the_person_may_decide_on(world: World, enter: Enter) -> None:
    def waiting(client: Client) -> int:
        return int(client.get(PROPOSALS, {"waits": "me"}).context["cl"].result_count)

    assert waiting(enter(Role.APPROVER)) == 2
    assert waiting(enter(Role.FINANCE)) == 0
    both = person("both", None, is_superuser=True)
    propose(kind="fee_schedule", subject_id=str(world.draft.pk), proposer=both, now=NOW)
    client = Client(headers={"accept-language": "en"})
    client.force_login(both)
    assert waiting(client) == 2  # not their own
    assert waiting(enter(Role.APPROVER)) == 3


def test_finance_proposes_a_verification_from_the_groups_page(world: World, enter: Enter) -> None:
    Proposal.objects.filter(pk=world.verification.pk).update(state="withdrawn", decided_at=NOW)
    client, url = enter(Role.FINANCE), "/admin/payouts/group/actions/propose-verification/"
    assert url in client.get("/admin/payouts/group/fass/change/").content.decode()
    assert url not in client.get("/admin/payouts/group/medina/change/").content.decode()  # verified already

    client.post(url, {"pk": "fass", "reason": "papers seen"})
    client.post(url, {"pk": "fass", "reason": "papers seen"})

    proposal = Proposal.objects.get(kind="group_verification", subject_id="fass", state="open")
    assert (proposal.proposer.get_username(), proposal.reason) == ("a-finance", "papers seen")


def test_finance_proposes_a_manual_rate_and_it_waits(world: World, enter: Enter) -> None:
    Proposal.objects.filter(pk=world.manual_rate.pk).update(state="withdrawn", decided_at=NOW)
    client, url = enter(Role.FINANCE), "/admin/ledger/manualraterequest/actions/propose/"
    assert url in client.get("/admin/ledger/exchangerate/").content.decode()
    assert client.get(url).status_code == 200

    assert client.post(url, {"rate_xof_per_btc": "12", "reason": "typo"}).status_code == 200
    client.post(url, {"rate_xof_per_btc": "8500000", "reason": "sources are unavailable"})

    assert ManualRateRequest.objects.latest("pk").rate_xof_per_btc == Decimal(8_500_000)
    assert Proposal.objects.filter(kind="manual_rate", state="open").count() == 1
    assert not ExchangeRate.objects.filter(source="manual").exists()


def test_draft_is_proposed_published_and_then_closed_to_edits(world: World, enter: Enter) -> None:
    finance, page = enter(Role.FINANCE), f"/admin/fees/feescheduledraft/{world.draft.pk}/change/"
    finance.post("/admin/fees/feescheduledraft/actions/propose/", {"pk": world.draft.pk, "reason": "cheaper"})
    proposal = Proposal.objects.get(kind="fee_schedule")
    shown = _page(enter(Role.APPROVER), proposal)
    assert "from 1\u202f000\u202f000\u00a0sats: 0.5\u00a0%" in shown

    _decide(enter(Role.APPROVER), "approve", proposal)

    assert FeeSchedule.objects.get(version=2).maximum_fee_sats == 50_000
    assert finance.post(page, {}).status_code == 403
    assert "actions/propose" not in finance.get(page).content.decode()
