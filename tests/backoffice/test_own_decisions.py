"""Nobody approves what they proposed themselves, by whatever interface, with whatever rights."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client

from sunusav.core.approvals import ApproverIsProposer, approve, propose
from sunusav.core.models import Approval, Proposal, ProposalState, User
from sunusav.core.switches import pause_outgoing
from tests.backoffice.world import World
from tests.factories.payouts import ACTOR, NOW
from tests.factories.settlements import another_partner, closed
from tests.factories.users import client_of
from transfers.enums import PAYMENT_REVERSAL, ReturnKind
from transfers.services.reversals import propose_reversal

ROOT = Path(__file__).resolve().parents[2]
ACTION = "/admin/core/proposal/actions/approve/"
# Where the code approves. A new interface is added here and below; the sandbox seeds with two people.
CALLERS = {
    "ledger/services/rates.py", "partners/settlements/services/decisions.py", "payouts/services/payouts.py",
    "sunusav/api/outgoing.py", "sunusav/backoffice/proposals.py",
}  # fmt: skip
APPS = ("fees", "ledger", "lightning", "partners", "payouts", "sunusav", "transfers")
CALL = re.compile(r"\b(?:approvals\.)?approve\(proposal_id")


@pytest.fixture
def proposer(world: World) -> User:
    """Return the proposer, who has every permission there is."""
    User.objects.filter(pk=world.proposer.pk).update(is_superuser=True)
    pause_outgoing(actor=ACTOR, reason="odd node", now=NOW)
    user = User.objects.get(pk=world.proposer.pk)
    propose(kind="outgoing_resume", subject_id="outgoing", proposer=user, now=NOW, reason="healthy")
    propose_reversal(
        disbursement_id=world.paid.pk, kind=ReturnKind.BANK_LINE, reference=f"{'ab' * 32}:0", explanation="back",
        proposer=user, now=NOW,
    )  # fmt: skip
    after_the_month = NOW + timedelta(days=40)
    closed(partner=another_partner(at=NOW, now=after_the_month), now=after_the_month, proposer=user)
    return user


def theirs(user: User) -> list[Proposal]:
    return list(Proposal.objects.filter(proposer=user, state=ProposalState.OPEN))


def admin_of(user: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def by_service(user: User) -> None:
    for proposal in theirs(user):
        with pytest.raises(ApproverIsProposer):
            approve(proposal_id=proposal.pk, approver=user, digest=proposal.digest, now=NOW)


def by_admin_one_by_one(user: User) -> None:
    client = admin_of(user)
    for proposal in theirs(user):
        assert (
            "actions/approve"
            not in client.get(f"/admin/core/proposal/{proposal.pk}/change/").content.decode()
        )
        sent = {"pk": proposal.pk, f"seen-{proposal.pk}": proposal.digest, "typed_figure": "66000000.5"}
        shown = client.post(ACTION, sent, follow=True).content.decode()
        assert "[approver-is-proposer]" in shown


def by_admin_in_bulk(user: User) -> None:
    client, rows = admin_of(user), theirs(user)
    keys = [row.pk for row in rows]
    assert 'value="approve"' not in client.get("/admin/core/proposal/").content.decode()
    assert (
        "None of the chosen rows accepts this."
        in client.get(ACTION, {"pk": keys}, follow=True).content.decode()
    )
    sent = {"pk": keys, **{f"seen-{row.pk}": row.digest for row in rows}}
    # Sent all the same: the page of results refuses each, the unusual ones since they are confirmed on their own.
    shown = client.post(ACTION, sent)
    assert (shown.status_code, shown.content.decode().count("[approver-is-proposer]")) == (200, 4)


def by_api_of_rates(user: User) -> None:
    body = {"rate": "66000000.5", "reason": "again"}
    assert client_of(user).post("/monetization/rates/update", body).json()["code"] == "approver-is-proposer"


def by_api_of_resuming(user: User) -> None:
    answer = client_of(user).post("/monetization/outgoing/resume", {"reason": "again"})
    assert answer.json()["code"] == "approver-is-proposer"


def by_api_of_reversals(user: User) -> None:
    waiting = Proposal.objects.get(kind=PAYMENT_REVERSAL)
    body = {"proposal_id": waiting.pk, "digest": waiting.digest}
    answer = client_of(user).post(f"/monetization/payouts/{waiting.subject_id}/reverse", body)
    assert answer.json()["code"] == "approver-is-proposer"


def by_api_of_settlements(user: User) -> None:
    waiting = Proposal.objects.get(kind="settlement")
    body = {"proposal_id": waiting.pk, "digest": waiting.digest}
    path = f"/monetization/partners/settlements/{waiting.subject_id}/approve"
    assert client_of(user).post(path, body).json()["code"] == "approver-is-proposer"


@pytest.mark.parametrize(
    "interface",
    [
        by_service, by_admin_one_by_one, by_admin_in_bulk, by_api_of_rates, by_api_of_resuming, by_api_of_reversals,
        by_api_of_settlements,
    ],
    ids=lambda interface: interface.__name__,
)  # fmt: skip
def test_nobody_approves_their_own(world: World, proposer: User, interface: Callable[[User], None]) -> None:
    before = set(Proposal.objects.values_list("pk", "state"))
    assert len(theirs(proposer)) == 5

    interface(proposer)

    assert set(Proposal.objects.values_list("pk", "state")) == before
    assert not Approval.objects.filter(approver=proposer).exists()


def test_every_place_that_approves_is_tried_above() -> None:
    found = {
        str(path.relative_to(ROOT))
        for app in APPS
        for path in (ROOT / app).rglob("*.py")
        if CALL.search(path.read_text())
    }

    assert found == CALLERS
