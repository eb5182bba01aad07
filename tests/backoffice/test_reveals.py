"""A person's name, phone and destinations are shown once, to finance, with a reason; the trail says so."""

from collections.abc import Iterator

import pytest
from django.contrib.sessions.models import Session
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from ledger.services import post
from ledger.types import credit, debit
from payouts.models import Cycle, Member, ProposedRefund, Refund
from payouts.services.cycles import set_destination
from payouts.services.proposals import propose_refund
from payouts.services.refunds import request_refund
from sunusav.core.models import TrailEntry
from sunusav.core.privacy import erase
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.conftest import Enter
from tests.factories.payouts import ACTOR, NOW, make_cycle, make_group, make_payable_cycle, process
from tests.factories.treasury import NODE
from tests.factories.users import make_user
from tests.fakes.franc_rail import NAME as FRANCS
from tests.fakes.franc_rail import phone
from tests.fakes.rail import invoice
from transfers.engine.runner import run_due
from transfers.models import Disbursement
from transfers.rails import rail
from transfers.types import credit_of

pytestmark = pytest.mark.django_db

REVEAL = "/admin/payouts/member/actions/reveal/"
IN_CLEAR = ("Awa Ndiaye", "+221771234567", "+221770000009")
SENT = {"reason": "the bank asks whom it paid"}


@pytest.fixture
def awa(settings: Settings) -> Iterator[Member]:
    """Return a member who won a cycle that was paid by an invoice, and one that is to be paid to a phone."""
    settings.RAILS = {**settings.RAILS, FRANCS: "tests.fakes.franc_rail.ScriptedFrancRail"}
    rail.cache_clear()
    sync_roles()
    group = make_group(members=2)
    process(make_payable_cycle(group, net_sats=19_800))
    run_due(slots=1, clock=lambda: NOW)
    set_destination(cycle_id=make_cycle(group).pk, destination=phone("+221770000009"), actor=ACTOR, now=NOW)
    yield group.members.get(user_id="user-0")
    rail.cache_clear()


def asked(client: Client, row: Member) -> str:
    answer = client.post(REVEAL, {"pk": row.pk, **SENT})
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    return answer.content.decode()


def test_what_is_encrypted_is_shown_once_and_the_trail_has_who_and_why(enter: Enter, awa: Member) -> None:
    finance = enter(Role.FINANCE)
    of_awa = f"/admin/payouts/member/{awa.pk}/change/"
    assert f"{REVEAL}?pk={awa.pk}" in finance.get(of_awa).content.decode()
    confirmation = finance.get(REVEAL, {"pk": awa.pk}).content.decode()

    shown = asked(finance, awa)

    assert [text for text in IN_CLEAR if text not in shown] == []
    assert "fake|regtest|19800000" in shown
    later = finance.get(of_awa).content.decode() + finance.get("/admin/").content.decode()
    assert [text for text in IN_CLEAR if text in confirmation or text in later] == []
    assert "the bank asks whom it paid" in later
    entry = TrailEntry.objects.get(action="reveal")
    assert (entry.subject, entry.actor_label, entry.reason, entry.facts) == (
        "member:user-0", "a-finance", SENT["reason"], {},
    )  # fmt: skip
    assert [one for one in Session.objects.all() if "Awa" in str(one.get_decoded())] == []


def test_without_a_reason_nothing_is_shown(enter: Enter, awa: Member) -> None:
    answer = enter(Role.FINANCE).post(REVEAL, {"pk": awa.pk, "reason": " "}).content.decode()

    assert "This field is required." in answer
    assert [text for text in IN_CLEAR if text in answer] == []
    assert not TrailEntry.objects.filter(action="reveal").exists()


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
def test_other_roles_see_no_button_and_are_refused(enter: Enter, awa: Member, role: Role) -> None:
    client = enter(role)

    assert client.post(REVEAL, {"pk": awa.pk, **SENT}).status_code == 403
    assert REVEAL not in client.get(f"/admin/payouts/member/{awa.pk}/change/").content.decode()
    assert not TrailEntry.objects.filter(action="reveal").exists()


def test_erased_person_has_nothing_to_show(enter: Enter, awa: Member) -> None:
    erase("member:user-0", now=NOW)

    finance = enter(Role.FINANCE)

    assert REVEAL not in finance.get(f"/admin/payouts/member/{awa.pk}/change/").content.decode()
    assert [text for text in IN_CLEAR if text in asked(finance, awa)] == []
    assert not TrailEntry.objects.filter(action="reveal").exists()


def _masked_pages(awa: Member) -> list[str]:
    """Return the pages that show something of her masked: her cycles, payments, a link, refunds."""
    given = [debit(NODE, 2_000_000), credit(credit_of(awa.user_id), 2_000_000)]
    post(kind="test", reference="credit", lines=given, at=NOW, subject="test")
    asked_for = {"user_id": awa.user_id, "amount_sats": 500, "reason": "left", "now": NOW}
    request_refund(**asked_for, destination=invoice("wallet-1", 500), actor=ACTOR)
    propose_refund(**asked_for, destination=invoice("wallet-2", 500), proposer=make_user(Role.FINANCE))
    rows: list[Model] = [
        *Cycle.objects.all(), *Disbursement.objects.all(), *Refund.objects.all(), *ProposedRefund.objects.all(),
    ]  # fmt: skip
    assert {type(row).__name__ for row in rows} == {"Cycle", "Disbursement", "Refund", "ProposedRefund"}
    return [reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_change", args=[row.pk]) for row in rows]


def test_every_page_that_shows_her_masked_leads_to_the_reason(enter: Enter, awa: Member) -> None:
    finance, auditor = enter(Role.FINANCE), enter(Role.AUDITOR)
    link = f'href="{REVEAL}?pk={awa.pk}"'
    pages = _masked_pages(awa)

    assert [url for url in pages if link not in finance.get(url).content.decode()] == []
    assert [url for url in pages if REVEAL in auditor.get(url).content.decode()] == []
    member = reverse("admin:payouts_member_change", args=[awa.pk])
    group = finance.get(reverse("admin:payouts_group_change", args=[awa.group_id])).content.decode()
    assert f'href="{member}' in group

    erase("member:user-0", now=NOW)
    assert [url for url in pages if REVEAL in finance.get(url).content.decode()] == []
