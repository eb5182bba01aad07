"""Collections in the back office: an open invoice to scan, cancelled by finance, and the inbox item of problems."""

import pytest
from django.contrib.messages import get_messages

from payouts.services.contributions import open_contribution
from sunusav.core.models import TrailEntry
from sunusav.core.qr import qr_svg
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.conftest import Enter
from tests.factories.payouts import ACTOR, NOW, make_cycle, make_group, pay_contribution
from transfers.collectors import collector
from transfers.models import Collection, WithdrawalLink
from transfers.services.withdrawals import open_withdrawal

pytestmark = pytest.mark.django_db

CANCEL = "/admin/transfers/collection/actions/cancel-collection/"


@pytest.fixture(autouse=True)
def roles(db: None) -> None:
    sync_roles()


@pytest.fixture
def asked() -> Collection:
    cycle = make_cycle(make_group(members=2))
    open_contribution(cycle_id=cycle.pk, user_id="user-0", method="lightning", actor=ACTOR, now=NOW)
    return Collection.objects.get()


def _page(enter: Enter, row: Collection) -> str:
    response = enter(Role.FINANCE).get(f"/admin/transfers/collection/{row.pk}/change/")
    assert response.status_code == 200
    return str(response.content.decode())


def test_page_of_an_open_invoice_shows_its_qr_code(enter: Enter, asked: Collection) -> None:
    page = _page(enter, asked)
    assert qr_svg(f"lightning:{asked.payment_request}", ignores_case=True) in page
    assert CANCEL in page


def test_page_of_a_settled_collection_shows_no_qr_code_and_no_cancelling(enter: Enter) -> None:
    cycle = make_cycle(make_group(members=2))
    pay_contribution(cycle, "user-0")
    page = _page(enter, Collection.objects.get())
    assert 'class="qr"' not in page
    assert CANCEL not in page


def test_finance_cancels_a_collection_with_a_reason(enter: Enter, asked: Collection) -> None:
    client = enter(Role.FINANCE)
    assert asked.subject in client.get(CANCEL, {"pk": asked.pk}).content.decode()

    response = client.post(CANCEL, {"pk": asked.pk, "reason": "pays by Wave"})

    asked.refresh_from_db()
    assert (response.status_code, asked.state) == (302, "cancelled")
    line = TrailEntry.objects.get(subject=f"collection:{asked.pk}", action="cancel")
    assert (line.actor_label, line.reason) == ("a-finance", "pays by Wave")


def test_cancelling_a_paid_collection_books_the_payment_and_reports_it(
    enter: Enter, asked: Collection
) -> None:
    collector("lightning").received[str(asked.reference)] = asked.amount  # type: ignore[attr-defined]

    response = enter(Role.FINANCE).post(CANCEL, {"pk": asked.pk, "reason": "pays by Wave"})

    asked.refresh_from_db()
    assert asked.state == "settled"
    [message] = [str(message) for message in get_messages(response.wsgi_request)]
    assert message.endswith("[collection-settled]")
    assert "The payment is booked" in message


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
def test_other_roles_may_not_cancel_a_collection(enter: Enter, asked: Collection, role: Role) -> None:
    assert enter(role).post(CANCEL, {"pk": asked.pk, "reason": "x"}).status_code == 403
    asked.refresh_from_db()
    assert asked.state == "open"


def test_first_page_counts_collections_to_review_and_links_to_them(enter: Enter, asked: Collection) -> None:
    client = enter(Role.FINANCE)
    Collection.objects.update(trouble="answered_elsewhere")

    page = client.get("/admin/").content.decode()

    assert "Payment requests to review" in page
    assert "/admin/transfers/collection/?trouble__gt=" in page
    listed = client.get("/admin/transfers/collection/?trouble__gt=")
    assert (listed.status_code, asked.subject in listed.content.decode()) == (200, True)
    Collection.objects.update(trouble="")
    assert asked.subject not in client.get("/admin/transfers/collection/?trouble__gt=").content.decode()


def test_page_of_a_withdrawal_link_shows_nothing_that_redeems_it(enter: Enter) -> None:
    opened = open_withdrawal(subject="cycle:c", rail="lightning", amount_sats=1, actor=ACTOR, now=NOW)
    row = WithdrawalLink.objects.get()
    page = enter(Role.FINANCE).get(f"/admin/transfers/withdrawallink/{row.pk}/change/").content.decode()
    assert "cycle:c" in page
    assert opened.secret not in page
    assert row.secret_sha256 not in page
