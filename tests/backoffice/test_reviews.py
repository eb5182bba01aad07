"""Payments under review in the back office: the box, the timeline, the offered actions, and the two decisions."""

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
from tests.transfers.resolution_cases import GONE, PAID, Case
from transfers.admin.review_actions import PaidInFrancsForm
from transfers.models import ManualResolution
from transfers.rails import rail
from transfers.services.reconciliation import query_now
from transfers.types import NotSeen

pytestmark = pytest.mark.django_db

DISBURSEMENTS = "/admin/transfers/disbursement/"
PAYABLE, PAST = timedelta(minutes=30), timedelta(hours=3)
BUTTONS = ("query-provider", "propose-paid", "propose-not-paid", "retry", "cancel")


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
    """Make a payment that vanished this long ago; the provider was queried a minute ago."""
    case = Case(node, Watch(clock.now() - ago), name=name)
    case.watch.at = clock.now() - timedelta(minutes=1)
    case.query(GONE, after=0)
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


def press(client: Client, slug: str, case: Case, *, status: int = 302, **given: Any) -> list[str]:
    """Send an action's form; one with something typed is shown again (200) when the service refuses."""
    response = client.post(f"{DISBURSEMENTS}actions/{slug}/", {"pk": case.id, **given})
    assert response.status_code == status
    return [str(message) for message in get_messages(response.wsgi_request)]


def approve(client: Client, proposal: Proposal) -> list[str]:
    sent = {"pk": proposal.pk, f"seen-{proposal.pk}": proposal.digest}
    response = client.post("/admin/core/proposal/actions/approve/", sent)
    return [str(message) for message in get_messages(response.wsgi_request)]


# the page


def test_vanished_payment_shows_what_happened_and_what_may_be_done(past: Case, enter: Enter) -> None:
    page = page_of(enter(Role.FINANCE), past)

    assert "This payment needs a person" in page
    assert "our node no longer knows it" in page
    assert "Waiting for a person for 2\xa0hours, 59\xa0minutes" in page
    assert "Last answer of the provider" in page
    assert "The order can no longer be paid, and the provider knows of no payment by it" in page
    assert offered(page) == ["query-provider", "propose-paid", "propose-not-paid"]


def test_payable_payment_cannot_be_proposed_as_unpaid_and_shows_from_when(
    payable: Case, enter: Enter
) -> None:
    page = page_of(enter(Role.FINANCE), payable)

    assert offered(page) == ["query-provider", "propose-paid"]
    assert "“It was not paid” cannot be proposed now." in page
    assert "[order-still-payable]" in page


def test_review_without_an_open_attempt_offers_retrying_and_cancelling(
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
    query_now(disbursement_id=past.id, actor=BY, now=past.watch())
    past.query(NotSeen(source="another node"), after=1)
    press(enter(Role.FINANCE), "propose-paid", past, proof=past_proof(past), cost="1.5", reason="seen it")
    approve(enter(Role.APPROVER), Proposal.objects.get())

    page = page_of(enter(Role.AUDITOR), past)

    timeline = page[page.index('id="timeline"') : page.index('id="books"')]
    expected = (
        # Of one moment, what was learned comes first.
        "Answer to sending: in flight", "Payment ordered", "Attempt 1: order committed", hash_of("awa", NET_SATS),
        "Answer to a query: not seen", "not seen by another source", "Proposed: Decide the outcome", "seen it",
        "Approved: Decide the outcome", "Two people decided about attempt 1: paid",
        "Attempt 1 ended: paid, as two people decided", past_proof(past), "1.500\xa0sats", "The recipient is paid",
    )  # fmt: skip
    positions = [timeline.index(part) for part in expected]
    assert positions == sorted(positions)


def past_proof(case: Case) -> str:
    return proof_of(case.name, NET_SATS)


# people


def test_finance_proposes_with_the_proof_and_an_approver_sees_the_evidence_and_approves(
    payable: Case, enter: Enter
) -> None:
    messages = press(
        enter(Role.FINANCE), "propose-paid", payable, proof=past_proof(payable), cost=0, reason="seen"
    )
    assert messages[-1].endswith("proposed; another person has to approve")
    proposal = Proposal.objects.get()

    page = enter(Role.APPROVER).get(f"/admin/core/proposal/{proposal.pk}/change/").content.decode()

    for part in (hash_of("awa", NET_SATS), past_proof(payable), "Provider reports", "not seen", "NOT_FOUND"):
        assert part in page
    assert f'href="{DISBURSEMENTS}{payable.id}/change/"' in page
    assert "The payment counts as paid, for good" in page
    assert all(part in page for part in ('id="timeline"', "Attempt 1", "Cost allowed"))
    assert approve(enter(Role.APPROVER), proposal)[-1].endswith(": approved")
    assert payable.snapshot.state == "completed"


def test_page_with_an_open_proposal_offers_no_second_one_and_links_to_it(payable: Case, enter: Enter) -> None:
    proposal = payable.propose(PAID)

    page = page_of(enter(Role.FINANCE), payable)

    assert offered(page) == ["query-provider"]
    assert f"/admin/core/proposal/{proposal.pk}/change/" in page


def test_wrong_preimage_is_refused_and_changes_nothing(payable: Case, enter: Enter) -> None:
    messages = press(
        enter(Role.FINANCE), "propose-paid", payable, status=200, proof="00" * 32, cost=0, reason="seen"
    )

    assert messages[-1].endswith("[resolution-needs-proof]")
    assert not ManualResolution.objects.exists()


def test_form_for_the_proof_shows_the_hash_to_compare(payable: Case, enter: Enter) -> None:
    page = enter(Role.FINANCE).get(f"{DISBURSEMENTS}actions/propose-paid/?pk={payable.id}").content.decode()

    assert hash_of("awa", NET_SATS) in page
    assert [name for name in ("proof", "cost", "reason") if f'name="{name}"' in page] == [
        "proof", "cost", "reason",
    ]  # fmt: skip


def test_cost_is_typed_in_sats_and_stored_as_the_order_counts(payable: Case, enter: Enter) -> None:
    page = enter(Role.FINANCE).get(f"{DISBURSEMENTS}actions/propose-paid/?pk={payable.id}").content.decode()
    assert "Cost, in sats" in page

    press(enter(Role.FINANCE), "propose-paid", payable, proof=past_proof(payable), cost="1.5", reason="seen")

    assert ManualResolution.objects.get().cost == 1_500


def test_cost_of_a_payment_in_francs_is_typed_in_francs() -> None:
    form = PaidInFrancsForm.base_fields["cost"]

    assert (str(form.label), form.clean("25")) == ("Cost, in francs", 25)


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
@pytest.mark.parametrize("slug", ["propose-paid", "propose-not-paid"])
def test_only_finance_proposes(past: Case, enter: Enter, role: Role, slug: str) -> None:
    response = enter(role).post(f"{DISBURSEMENTS}actions/{slug}/", {"pk": past.id, "reason": "x"})

    assert response.status_code == 403
    assert not ManualResolution.objects.exists()


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role.FINANCE, ["query-provider", "propose-paid", "propose-not-paid"]), (Role.APPROVER, ["query-provider"]),
        (Role.OPERATOR, ["query-provider"]), (Role.AUDITOR, []),
    ],
)  # fmt: skip
def test_each_role_is_offered_its_actions(past: Case, enter: Enter, role: Role, expected: list[str]) -> None:
    assert offered(page_of(enter(role), past)) == expected


def test_query_provider_makes_the_payment_due(past: Case, enter: Enter) -> None:
    messages = press(enter(Role.OPERATOR), "query-provider", past)

    assert messages[-1].endswith("being queried; open its page again in a moment")
    assert TrailEntry.objects.get(action="ask_outside").actor_label == "a-operator"


def test_proposal_of_not_paid_shows_what_a_mistake_would_cost(past: Case, enter: Enter) -> None:
    press(enter(Role.FINANCE), "propose-not-paid", past, reason="she has nothing")
    proposal = Proposal.objects.get()
    client = enter(Role.APPROVER)

    for url in (f"{proposal.pk}/change/", f"actions/approve/?pk={proposal.pk}"):
        page = client.get(f"/admin/core/proposal/{url}").content.decode()
        assert "If you approve" in page
        assert "they are paid twice" in page


# the queue


def test_first_page_shows_number_and_age_of_reviews_and_links_to_the_oldest(
    past: Case, payable_other: Case, enter: Enter
) -> None:
    client = enter(Role.FINANCE)

    page = client.get("/admin/").content.decode()
    notice = page.partition("Payments to review")[2]
    assert "2\xa0hours" in notice.partition("</section>")[0]

    queue = client.get(f"{DISBURSEMENTS}?state__exact=needs_review&o=1")
    assert [row.pk for row in queue.context["cl"].result_list] == [past.id, payable_other.id]
    assert queue.content.decode().count("payment vanished") == 2


@pytest.fixture
def payable_other(node: SteeredRail) -> Case:
    return vanished(node, PAYABLE, name="moussa")
