"""Pages of payments whose money came back: proposing, what an approver reads, and reopening the cycle."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from payouts.models import Cycle, CycleReopening
from payouts.services.cycles import set_destination
from sunusav.core import clock
from sunusav.core.actors import Actor
from sunusav.core.approvals import approve
from sunusav.core.auditing import AuditScope
from sunusav.core.models import Proposal, TrailEntry
from sunusav.core.roles import Role
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World, person
from tests.factories.payouts import ACTOR
from tests.fakes.rail import invoice
from transfers.invariants.waiting import no_return_waits
from transfers.models import Collection, Disbursement, ReturnClaim, Reversal
from transfers.services.receipts import record_receipt
from transfers.services.returns import request_return

pytestmark = pytest.mark.django_db

DISBURSEMENTS = "/admin/transfers/disbursement/"
PROPOSE, REQUEST = f"{DISBURSEMENTS}actions/propose-reversal/", f"{DISBURSEMENTS}actions/request-return/"
REOPEN = "/admin/payouts/cycle/actions/reopen/"
OUTPUT = f"{'ab' * 32}:0"
NOTICE = "Money that came back and is not booked back"


def html(client: Client, url: str, **query: Any) -> str:
    answer = client.get(url, query)
    assert answer.status_code == 200
    return answer.content.decode()


def page_of(client: Client, row: Disbursement) -> str:
    return html(client, f"{DISBURSEMENTS}{row.pk}/change/")


def proposed(enter: Enter, row: Disbursement, **changes: Any) -> Proposal:
    sent = {
        "pk": row.pk, "kind": "bank_line", "reference": OUTPUT, "returned_on": clock.now().date().isoformat(),
        "reason": "our wallet shows it", **changes,
    }  # fmt: skip
    assert enter(Role.FINANCE).post(PROPOSE, sent).status_code == 302
    return Proposal.objects.get(kind="payment_reversal")


def approved(proposal: Proposal) -> None:
    approver = person("a-second", Role.APPROVER)
    approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=clock.now())


def paid_back(row: Disbursement) -> Collection:
    """Have the recipient pay the invoice by which the money was requested back."""
    actor = Actor.of(person("a-finance", Role.FINANCE))
    asked = request_return(disbursement_id=row.pk, actor=actor, reason="sent twice", now=clock.now())
    record_receipt(
        method=asked.method, reference=asked.reference, received=asked.amount, proof="00" * 32,
        received_at=clock.now(), now=clock.now(),
    )  # fmt: skip
    return Collection.objects.get(pk=asked.id)


# The form


def test_form_asks_for_the_proofs_of_the_currency_and_shows_what_must_come_back(
    world: World, enter: Enter
) -> None:
    page = html(enter(Role.FINANCE), PROPOSE, pk=world.paid.pk)

    assert "an on-chain transaction to our wallet" in page
    assert "a line of our bank account" not in page
    assert '<option value="" selected>' in page
    assert 'size="70"' in page
    assert 'type="date"' in page
    assert "Must come back" in page
    assert "<dt>Why</dt>" not in page


def test_form_that_is_refused_keeps_what_was_typed(world: World, enter: Enter) -> None:
    answer = enter(Role.FINANCE).post(
        PROPOSE,
        {
            "pk": world.paid.pk, "kind": "bank_line", "reference": "VIR-2026-0043",
            "returned_on": clock.now().date().isoformat(), "reason": "our wallet shows it",
        },
    )  # fmt: skip

    page = answer.content.decode()
    assert answer.status_code == 200
    assert "[return-reference-malformed]" in page
    assert 'value="VIR-2026-0043"' in page
    assert "our wallet shows it" in page
    assert not ReturnClaim.objects.exists()


def test_on_chain_return_needs_its_day_and_an_invoice_needs_none(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)
    sent = {"pk": world.paid.pk, "kind": "bank_line", "reference": OUTPUT, "reason": "our wallet shows it"}

    answer = client.post(PROPOSE, sent)

    assert answer.context["form"].errors.keys() == {"returned_on"}
    request = paid_back(world.paid)
    sent |= {"kind": "inbound_payment", "reference": str(request.reference)}
    assert client.post(PROPOSE, sent).status_code == 302


def test_returns_are_proposed_one_by_one(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)

    listed = html(client, DISBURSEMENTS)
    answer = client.get(PROPOSE, {"pk": [world.paid.pk, world.failed.pk]})

    assert ('value="propose-reversal"' in listed, 'value="request-return"' in listed) == (False, False)
    assert 'value="retry"' in listed
    assert answer.status_code == 302
    assert [str(one) for one in get_messages(answer.wsgi_request)] == [
        "Choose one row: each is confirmed on its own."
    ]


# What an approver reads


def test_proposal_names_each_fact_and_what_is_booked(world: World, enter: Enter) -> None:
    proposal = proposed(enter, world.paid)

    page = html(enter(Role.APPROVER), f"/admin/core/proposal/{proposal.pk}/change/")

    for shown in (
        "Claim of a return", "Proof of the return", "Reference of the return", "bank line", "on-chain wallet",
        "If you approve", "What would be booked", "Timeline", "our wallet shows it",
    ):  # fmt: skip
        assert shown in page
    for raw in ("Return kind", "inbound_payment", "bank:msat:onchain", ">Currency<"):
        assert raw not in page


def test_proposal_by_an_invoice_links_it(world: World, enter: Enter) -> None:
    request = paid_back(world.paid)
    proposal = proposed(
        enter, world.paid, kind="inbound_payment", reference=request.reference, returned_on=""
    )

    page = html(enter(Role.APPROVER), f"/admin/core/proposal/{proposal.pk}/change/")

    assert f"/admin/transfers/collection/{request.pk}/change/" in page
    assert f"money paid back for payment #{world.paid.pk}" in page
    assert "contribution_clearing" not in page


def test_claim_shows_its_amount_state_and_proposal(world: World, enter: Enter) -> None:
    proposal = proposed(enter, world.paid)
    url = f"/admin/transfers/returnclaim/{ReturnClaim.objects.get().pk}/change/"

    assert "on-chain wallet" in html(enter(Role.FINANCE), url)
    assert f"/admin/core/proposal/{proposal.pk}/change/" in html(enter(Role.FINANCE), url)
    assert 'data-value="open"' in html(enter(Role.FINANCE), url)
    approved(proposal)
    assert 'data-value="approved"' in html(enter(Role.FINANCE), url)


# The payment


def test_payment_shows_where_its_return_stands(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)
    assert "Return of the money" not in page_of(client, world.paid)
    client.post(REQUEST, {"pk": world.paid.pk, "reason": "sent twice"})
    request = Collection.objects.get(subject=f"return:{world.paid.pk}")

    page = page_of(client, world.paid)

    assert TrailEntry.objects.get(subject=f"collection:{request.pk}", action="open").reason == "sent twice"
    assert "The recipient has not paid the invoice yet." in page
    assert f"/admin/transfers/collection/{request.pk}/change/" in page
    assert "actions/request-return/" not in page
    assert NOTICE not in html(client, "/admin/")

    paid_back(world.paid)
    page, link = page_of(client, world.paid), f"kind=inbound_payment&amp;reference={request.reference}"
    assert "The payment still counts as paid." in page
    assert link in page
    assert NOTICE in html(client, "/admin/")
    filled = html(client, PROPOSE, pk=world.paid.pk, kind="inbound_payment", reference=str(request.reference))
    assert f'value="{request.reference}"' in filled
    again = client.post(REQUEST, {"pk": world.paid.pk, "reason": "again"}).content.decode()
    assert "[return-arrived]" in again

    proposal = proposed(
        enter, world.paid, kind="inbound_payment", reference=request.reference, returned_on=""
    )
    page = page_of(client, world.paid)
    assert "has proposed that the money came back" in page
    assert f"/admin/core/proposal/{proposal.pk}/change/" in page
    assert "actions/propose-reversal/" not in page
    assert NOTICE not in html(client, "/admin/")

    approved(proposal)
    page = html(client, f"/admin/transfers/collection/{request.pk}/change/")
    assert f"/admin/transfers/reversal/{Reversal.objects.get().pk}/change/" in page
    assert f"return of disbursement {world.paid.pk}" in page
    page = page_of(client, world.paid)
    assert "The return of the money is booked" in page
    assert "Return of the money" not in page


def test_money_that_came_back_waits_too_long_after_a_day(world: World) -> None:
    request = paid_back(world.paid)
    later = clock.now() + timedelta(hours=23)

    assert list(no_return_waits(AuditScope(now=later))) == []
    found = list(no_return_waits(AuditScope(now=later + timedelta(hours=2))))

    assert [one.subject for one in found] == [f"return:{world.paid.pk}"]
    assert f"request {request.pk}" in found[0].detail


def test_reversal_is_named_by_its_payment(world: World, enter: Enter) -> None:
    approved(proposed(enter, world.paid))

    page = html(enter(Role.FINANCE), f"/admin/transfers/reversal/{Reversal.objects.get().pk}/change/")

    assert f"payment #{world.paid.pk}, " in page


# The cycle


def test_cycle_whose_payout_was_reversed_says_what_waits(world: World, enter: Enter) -> None:
    approved(proposed(enter, world.paid))
    cycle = Cycle.objects.get(pk=world.paid.subject.removeprefix("cycle:"))
    client, url = enter(Role.FINANCE), f"/admin/payouts/cycle/{cycle.pk}/change/"

    page = html(client, url)
    assert "The payout was reversed" in page
    assert 'data-value="failed"' not in page
    assert "Propose to reopen the cycle." in page

    client.post(REOPEN, {"pk": cycle.pk, "reason": "she gave another wallet"})
    proposal = Proposal.objects.get(kind="cycle_reopening")
    page = html(client, url)
    assert f"/admin/core/proposal/{proposal.pk}/change/" in page
    assert "actions/reopen/" not in page

    page = html(enter(Role.APPROVER), f"/admin/core/proposal/{proposal.pk}/change/")
    assert "If you approve" in page
    assert "Reversed payment" in page
    assert f"{DISBURSEMENTS}{world.paid.pk}/change/" in page
    assert "have the winner give a new one" in page

    approved(proposal)
    assert "have the winner give a new one" in html(client, url)
    again = invoice("awa-again", 29_850)
    set_destination(cycle_id=cycle.pk, destination=again, actor=ACTOR, now=clock.now())
    page = html(client, url)
    assert ("The cycle was reopened" in page, "have the winner give a new one" in page) == (True, False)
    page = html(client, f"/admin/payouts/cyclereopening/{CycleReopening.objects.get().pk}/change/")
    assert "she gave another wallet" in page
    assert f"{cycle.pk}, after payment #{world.paid.pk}" in page
