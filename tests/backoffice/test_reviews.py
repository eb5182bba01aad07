"""A payment that needs a person, in the desk: the box, the story, what is offered, and the two people who decide."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from pytest_django import Settings

from sunusav.core import clock
from sunusav.core.models import Proposal, TrailEntry
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.conftest import Enter
from tests.transfers.builders import BY, NET_SATS
from tests.transfers.rails import SteeredRail, Watch, hash_of, proof_of
from tests.transfers.resolving import GONE, PAID, Case
from transfers.models import ManualResolution
from transfers.rails import rail
from transfers.services.reconciliation import ask_again_now
from transfers.types import NotSeen

pytestmark = pytest.mark.django_db

DISBURSEMENTS = "/admin/transfers/disbursement/"
PAYABLE, PAST = timedelta(minutes=30), timedelta(hours=3)
BUTTONS = ("ask-outside", "propose-paid", "propose-not-paid", "retry", "cancel")


@pytest.fixture(autouse=True)
def node(plugins: None, settings: Settings) -> Iterator[SteeredRail]:
    settings.RAILS = {"lightning": "tests.transfers.rails.SteeredRail"}
    rail.cache_clear()
    sync_roles()
    found = rail("lightning")
    assert isinstance(found, SteeredRail)
    yield found
    rail.cache_clear()


def vanished(node: SteeredRail, ago: timedelta, name: str = "awa") -> Case:
    """Make a payment that vanished so long ago; the outside was asked a minute ago."""
    case = Case(node, Watch(clock.now() - ago), name=name)
    case.watch.at = clock.now() - timedelta(minutes=1)
    case.ask(GONE, after=0)
    return case


@pytest.fixture
def payable(node: SteeredRail) -> Case:
    return vanished(node, PAYABLE)


@pytest.fixture
def past(node: SteeredRail) -> Case:
    return vanished(node, PAST)


def page_of(client: Client, case: Case) -> str:
    return client.get(f"{DISBURSEMENTS}{case.id}/change/").content.decode()


def offered(page: str) -> list[str]:
    return [slug for slug in BUTTONS if f"actions/{slug}/?pk=" in page]


def press(client: Client, slug: str, case: Case, **given: Any) -> list[str]:
    response = client.post(f"{DISBURSEMENTS}actions/{slug}/", {"pk": case.id, **given})
    assert response.status_code == 302
    return [str(message) for message in get_messages(response.wsgi_request)]


def approve(client: Client, proposal: Proposal) -> list[str]:
    sent = {"pk": proposal.pk, f"seen-{proposal.pk}": proposal.digest}
    response = client.post("/admin/core/proposal/actions/approve/", sent)
    return [str(message) for message in get_messages(response.wsgi_request)]


# the page


def test_payment_that_vanished_says_what_happened_and_what_may_be_done(past: Case, enter: Enter) -> None:
    page = page_of(enter(Role.FINANCE), past)

    assert "This payment needs a person" in page
    assert "our node no longer knows it" in page
    assert "Waiting for a person for 2\xa0hours, 59\xa0minutes" in page
    assert "The outside said last" in page
    assert "The order can be paid no more, and the outside knows nothing of a payment by it" in page
    assert offered(page) == ["ask-outside", "propose-paid", "propose-not-paid"]


def test_payment_that_can_still_be_paid_is_not_offered_as_unpaid_and_says_from_when(
    payable: Case, enter: Enter
) -> None:
    page = page_of(enter(Role.FINANCE), payable)

    assert offered(page) == ["ask-outside", "propose-paid"]
    assert "“It was not paid” cannot be proposed now." in page
    assert "[order-still-payable]" in page


def test_payment_under_review_with_nothing_under_way_is_retried_or_cancelled(
    node: SteeredRail, enter: Enter
) -> None:
    case = vanished(node, PAST)
    enter(Role.FINANCE)
    press(enter(Role.FINANCE), "propose-not-paid", case, reason="she has nothing")
    approve(enter(Role.APPROVER), Proposal.objects.get())

    page = page_of(enter(Role.FINANCE), case)

    assert offered(page) == ["retry", "cancel"]
    assert "This payment needs a person" not in page


def test_payment_page_tells_every_answer_and_decision_in_order(past: Case, enter: Enter) -> None:
    ask_again_now(disbursement_id=past.id, actor=BY, now=past.watch())
    past.ask(NotSeen(source="another node"), after=1)
    press(
        enter(Role.FINANCE), "propose-paid", past, proof=past_proof(past), cost_msat=1_500, reason="seen it"
    )
    approve(enter(Role.APPROVER), Proposal.objects.get())

    page = page_of(enter(Role.AUDITOR), past)

    story = page[page.index('id="story"') : page.index('id="books"')]
    told = (
        "Ordered", "Attempt 1 opened, money held", hash_of("awa", NET_SATS), "Answer to sending", "in flight",
        "Answer to asking", "not seen", "not seen by another source", "a-finance proposed: “It was paid”", "seen it",
        "a-approver approved", "Attempt 1: Succeeded", "1.500\xa0sats", past_proof(past), "Completed",
    )  # fmt: skip
    places = [story.index(part) for part in told]
    assert places == sorted(places)
    trail = page[page.index('id="trail"') :]
    assert all(word in trail for word in ("resolve attempt", "propose", "approve", "review"))


def past_proof(case: Case) -> str:
    return proof_of(case.name, NET_SATS)


# people


def test_finance_proposes_with_the_proof_and_an_approver_sees_the_evidence_and_approves(
    payable: Case, enter: Enter
) -> None:
    told = press(
        enter(Role.FINANCE), "propose-paid", payable, proof=past_proof(payable), cost_msat=0, reason="seen"
    )
    assert told[-1].endswith("proposed; another person has to approve")
    proposal = Proposal.objects.get()

    page = enter(Role.APPROVER).get(f"/admin/core/proposal/{proposal.pk}/change/").content.decode()

    for part in (hash_of("awa", NET_SATS), past_proof(payable), "Provider reports", "not seen", "NOT_FOUND"):
        assert part in page
    assert f'href="{DISBURSEMENTS}{payable.id}/change/"' in page
    assert "The payment counts as paid, for good" in page
    assert all(part in page for part in ('id="story"', "Attempt 1", "Routing fee allowed"))
    assert approve(enter(Role.APPROVER), proposal)[-1].endswith(": approved")
    assert payable.story.state == "completed"


def test_page_with_a_proposal_offers_no_second_one_and_leads_to_it(payable: Case, enter: Enter) -> None:
    proposal = payable.propose(PAID)

    page = page_of(enter(Role.FINANCE), payable)

    assert offered(page) == ["ask-outside"]
    assert f"/admin/core/proposal/{proposal.pk}/change/" in page


def test_wrong_preimage_is_told_and_changes_nothing(payable: Case, enter: Enter) -> None:
    told = press(enter(Role.FINANCE), "propose-paid", payable, proof="00" * 32, cost_msat=0, reason="seen")

    assert told[-1].endswith("[resolution-needs-proof]")
    assert not ManualResolution.objects.exists()


def test_asking_for_the_proof_shows_the_hash_to_compare(payable: Case, enter: Enter) -> None:
    page = enter(Role.FINANCE).get(f"{DISBURSEMENTS}actions/propose-paid/?pk={payable.id}").content.decode()

    assert hash_of("awa", NET_SATS) in page
    assert [name for name in ("proof", "cost_msat", "reason") if f'name="{name}"' in page] == [
        "proof", "cost_msat", "reason",
    ]  # fmt: skip


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
@pytest.mark.parametrize("slug", ["propose-paid", "propose-not-paid"])
def test_only_finance_proposes(past: Case, enter: Enter, role: Role, slug: str) -> None:
    response = enter(role).post(f"{DISBURSEMENTS}actions/{slug}/", {"pk": past.id, "reason": "x"})

    assert response.status_code == 403
    assert not ManualResolution.objects.exists()


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role.FINANCE, ["ask-outside", "propose-paid", "propose-not-paid"]), (Role.APPROVER, ["ask-outside"]),
        (Role.OPERATOR, ["ask-outside"]), (Role.AUDITOR, []),
    ],
)  # fmt: skip
def test_each_role_is_offered_what_it_may(past: Case, enter: Enter, role: Role, expected: list[str]) -> None:
    assert offered(page_of(enter(role), past)) == expected


def test_ask_the_outside_makes_it_due(past: Case, enter: Enter) -> None:
    told = press(enter(Role.OPERATOR), "ask-outside", past)

    assert told[-1].endswith("being asked; open its page again in a moment")
    assert TrailEntry.objects.get(action="query_provider").actor_label == "a-operator"


def test_approver_of_not_paid_reads_what_a_mistake_would_cost(past: Case, enter: Enter) -> None:
    press(enter(Role.FINANCE), "propose-not-paid", past, reason="she has nothing")
    proposal = Proposal.objects.get()
    client = enter(Role.APPROVER)

    for url in (f"{proposal.pk}/change/", f"actions/approve/?pk={proposal.pk}"):
        page = client.get(f"/admin/core/proposal/{url}").content.decode()
        assert "If you approve" in page
        assert "they are paid twice" in page


# the queue


def test_first_page_tells_how_many_wait_and_for_how_long_and_leads_to_the_oldest(
    past: Case, payable_other: Case, enter: Enter
) -> None:
    client = enter(Role.FINANCE)

    page = client.get("/admin/").content.decode()
    assert "2, the oldest for 2\xa0hours" in page

    queue = client.get(f"{DISBURSEMENTS}?state__exact=needs_review&o=1")
    assert [row.pk for row in queue.context["cl"].result_list] == [past.id, payable_other.id]
    assert queue.content.decode().count("payment vanished") == 2


@pytest.fixture
def payable_other(node: SteeredRail) -> Case:
    return vanished(node, PAYABLE, name="moussa")
