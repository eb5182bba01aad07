"""Erasing a member's data and moving their credit, in the back office: finance proposes, an approver decides."""

from typing import Any

import pytest
from django.test import Client

from ledger.services import post
from ledger.types import credit, debit
from payouts.models import Member, MemberErasure
from sunusav.core.models import Proposal
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.conftest import Enter
from tests.factories.payouts import NOW, make_cycle, make_group
from tests.factories.treasury import NODE
from transfers.credit_queries import credit_msat
from transfers.models import CreditTransfer
from transfers.types import credit_of

pytestmark = pytest.mark.django_db

MEMBERS = "/admin/payouts/member/"
ERASE, MOVE = f"{MEMBERS}actions/propose-erasure/", f"{MEMBERS}actions/propose-credit-transfer/"
EVIDENCE = {"to_user_id": "user-1", "reference": "file 12", "reason": "heir, judgment seen"}


@pytest.fixture(autouse=True)
def roles(db: None) -> None:
    sync_roles()


@pytest.fixture
def awa() -> Member:
    """Return a member of a group of two, with 11,500 msat of credit."""
    group = make_group(members=2, id="g-1")
    lines = [debit(NODE, 11_500), credit(credit_of("user-0"), 11_500)]
    post(kind="test", reference="credit", lines=lines, at=NOW, subject="test")
    return group.members.get(user_id="user-0")


def page(client: Client, url: str) -> str:
    answer = client.get(url, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def decide(client: Client, proposal: Proposal) -> Any:
    sent = {"pk": proposal.pk, f"seen-{proposal.pk}": proposal.digest}
    return client.post("/admin/core/proposal/actions/approve/", sent, follow=True)


def test_credit_is_moved_and_then_the_data_erased(enter: Enter, awa: Member) -> None:
    finance, approver = enter(Role.FINANCE), enter(Role.APPROVER)
    of_awa = f"{MEMBERS}{awa.pk}/change/"
    assert "11.500\u00a0sats" in page(finance, of_awa)
    assert f"{MOVE}?pk={awa.pk}" in page(finance, of_awa)
    assert MOVE not in page(approver, of_awa)
    refused = finance.post(ERASE, {"pk": awa.pk, "reason": "died"}, follow=True).content.decode()
    assert "Money of user-0 is outstanding: credit of 11.500\u00a0sats, open cycles 0" in refused

    finance.post(MOVE, {"pk": awa.pk, **EVIDENCE})
    moving = Proposal.objects.get(kind="credit_transfer")
    shown = page(approver, f"/admin/core/proposal/{moving.pk}/change/")
    assert (
        "11.500\u00a0sats leave the credit of user-0 and become credit of user-1. Nothing is sent." in shown
    )
    decide(approver, moving)

    row = CreditTransfer.objects.get()
    assert (credit_msat("user-0"), credit_msat("user-1")) == (0, 11_500)
    booked = page(enter(Role.AUDITOR), f"/admin/transfers/credittransferrequest/{row.request_id}/change/")
    assert "heir, judgment seen" in booked
    assert "Credit moved to the other person: 11.500\u00a0sats" in booked  # the timeline
    listed = page(enter(Role.AUDITOR), "/admin/transfers/credittransferrequest/")
    assert "file 12" in listed
    assert "booked" in listed
    assert MOVE not in page(finance, of_awa)

    assert "write no name or phone of the member" in page(finance, f"{ERASE}?pk={awa.pk}")
    finance.post(ERASE, {"pk": awa.pk, "reason": "died, certificate seen"})
    erasing = Proposal.objects.get(kind="member_erasure")
    assert of_awa in page(approver, "/admin/core/proposal/?waits=me")
    shown = page(approver, f"/admin/core/proposal/{erasing.pk}/change/")
    assert "The name and phone of user-0 are unreadable for good" in shown
    decide(approver, erasing)

    erased = page(enter(Role.AUDITOR), of_awa)
    assert "A. N." not in erased
    assert "Name, phone and destinations erased" in erased  # the timeline
    assert ERASE not in page(finance, of_awa)
    assert "user-0" in page(enter(Role.AUDITOR), "/admin/payouts/membererasure/")
    assert MemberErasure.objects.get().approver.get_username() == "a-approver"


def test_member_page_shows_what_is_outstanding_and_when_they_left(enter: Enter, awa: Member) -> None:
    make_cycle(Member.objects.get(pk=awa.pk).group)
    Member.objects.filter(pk=awa.pk).update(left_at=NOW)
    auditor = enter(Role.AUDITOR)

    shown = page(auditor, f"{MEMBERS}{awa.pk}/change/")
    assert "Cycles that are not paid" in shown
    assert "04/03/2026 10:00" in page(auditor, MEMBERS)
    assert "04/03/2026 10:00" in page(auditor, "/admin/payouts/group/g-1/change/")


def test_refused_transfer_is_named_and_nothing_is_proposed(enter: Enter, awa: Member) -> None:
    answer = enter(Role.FINANCE).post(MOVE, {"pk": awa.pk, **EVIDENCE, "to_user_id": "nobody"}, follow=True)
    assert "Nobody called nobody was ever a member of a group." in answer.content.decode()
    answer = enter(Role.FINANCE).post(MOVE, {"pk": awa.pk, **EVIDENCE, "reference": " "})
    assert "This field is required." in answer.content.decode()
    assert not Proposal.objects.exists()


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
def test_other_roles_than_finance_propose_nothing(enter: Enter, awa: Member, role: Role) -> None:
    client = enter(role)
    for url, sent in ((ERASE, {"reason": "x"}), (MOVE, EVIDENCE)):
        assert client.post(url, {"pk": awa.pk, **sent}).status_code == 403
    assert not Proposal.objects.exists()
