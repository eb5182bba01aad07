"""The boxes and buttons of payments that two people may end, beside those of open attempts that vanished."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from ledger.types import msat
from sunusav.core import clock
from sunusav.core.models import Proposal
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.conftest import Enter
from tests.backoffice.test_reviews import approve
from tests.transfers.builders import BY, NET_MSAT, ordered, run
from tests.transfers.rails import SteeredRail, Watch
from tests.transfers.test_closed_orders_in_doubt import ELSEWHERE, replaced
from tests.transfers.test_left_in_flight import EXPIRED_SECONDS, left
from tests.transfers.test_never_found import SEARCH_WINDOW, never_found
from tests.transfers.test_write_offs import outside
from transfers.models import Disbursement, ResolvedAttempt
from transfers.rails import rail
from transfers.services.reconciliation import query_now
from transfers.types import Reversed, Unknown

pytestmark = pytest.mark.django_db

DISBURSEMENTS = "/admin/transfers/disbursement/"
BUTTONS = ("query-provider", "propose-paid", "propose-not-paid", "propose-write-off", "retry", "cancel")


@pytest.fixture(autouse=True)
def node(plugins: None, settings: Settings) -> Iterator[SteeredRail]:
    settings.RAILS = {"lightning": "tests.transfers.rails.SteeredRail"}
    rail.cache_clear()
    sync_roles()
    found = rail("lightning")
    assert isinstance(found, SteeredRail)
    yield found
    rail.cache_clear()


@pytest.fixture
def watch() -> Watch:
    """Return a clock that is three hours slow."""
    return Watch(clock.now() - timedelta(hours=3))


def page_of(client: Client, disbursement_id: int) -> str:
    return client.get(f"{DISBURSEMENTS}{disbursement_id}/change/").content.decode()


def offered(page: str) -> list[str]:
    return [slug for slug in BUTTONS if f"actions/{slug}/?pk=" in page]


def asked_just_now(watch: Watch, node: SteeredRail, disbursement_id: int) -> None:
    """Let the provider give a closed order's answer again, a minute ago."""
    watch.at = clock.now() - timedelta(minutes=1)
    node.finds.clear()
    node.finds.append(ELSEWHERE)
    query_now(disbursement_id=disbursement_id, actor=BY, now=watch())
    run(watch)


def test_closed_order_in_doubt_shows_what_it_blocks_and_is_decided(
    node: SteeredRail, watch: Watch, enter: Enter
) -> None:
    disbursement_id = replaced(node, watch)
    asked_just_now(watch, node, disbursement_id)

    page = page_of(enter(Role.FINANCE), disbursement_id)

    assert "the provider has not confirmed since then that it was not paid" in page
    assert "not seen by another source" in page
    assert offered(page) == ["query-provider", "propose-paid", "propose-not-paid", "retry", "cancel"]
    enter(Role.FINANCE).post(
        f"{DISBURSEMENTS}actions/propose-not-paid/", {"pk": disbursement_id, "reason": "she has nothing"}
    )
    assert "proposed “It was not paid”" in page_of(enter(Role.FINANCE), disbursement_id)
    approve(enter(Role.APPROVER), Proposal.objects.get())
    assert ResolvedAttempt.objects.count() == 1
    page = page_of(enter(Role.FINANCE), disbursement_id)
    assert "has not confirmed since then" not in page
    assert offered(page) == ["retry", "cancel"]


def test_payment_outside_the_books_is_in_the_inbox_and_is_written_off(
    node: SteeredRail, watch: Watch, enter: Enter
) -> None:
    disbursement_id = outside(node, watch)
    inbox = enter(Role.FINANCE).get("/admin/").content.decode()
    assert "Payments that are not in the books" in inbox
    notice = inbox.partition("Payments that are not in the books")[2].partition("</section>")[0]
    assert "2\xa0hours" in notice
    listed = enter(Role.FINANCE).get(f"{DISBURSEMENTS}?paid_outside=yes").content.decode()
    assert f"{DISBURSEMENTS}{disbursement_id}/change/" in listed

    page = page_of(enter(Role.FINANCE), disbursement_id)

    assert "A payment is not in the books" in page
    assert "Nothing in the books stands for it" in page
    assert offered(page) == ["propose-write-off"]
    enter(Role.FINANCE).post(
        f"{DISBURSEMENTS}actions/propose-write-off/", {"pk": disbursement_id, "reason": "he keeps it"}
    )
    assert "proposed “Write it off as a loss”" in page_of(enter(Role.FINANCE), disbursement_id)
    approve(enter(Role.APPROVER), Proposal.objects.get())
    page = page_of(enter(Role.FINANCE), disbursement_id)
    assert "A payment is not in the books" not in page
    assert "attempt 1: written off" in page
    assert "losses on payments" in page
    assert "Payments that are not in the books" not in enter(Role.FINANCE).get("/admin/").content.decode()


def test_payment_left_in_flight_shows_where_it_was_searched(
    node: SteeredRail, watch: Watch, enter: Enter
) -> None:
    # Its last answer is a few minutes old.
    watch.at = clock.now() - timedelta(seconds=EXPIRED_SECONDS + 3_600 + 120)
    disbursement_id = left(node, watch)

    page = page_of(enter(Role.FINANCE), disbursement_id)

    assert "none of its channels has it. The node was probably stopped" in page
    assert "in flight, and nowhere under way" in page
    assert "If the recipient has no money either, propose “It was not paid”" in page
    assert "knows of no payment by it" not in page
    assert offered(page) == ["query-provider", "propose-paid", "propose-not-paid"]


def test_payment_that_was_never_found_says_that_it_is_not_sent_again(
    node: SteeredRail, watch: Watch, enter: Enter
) -> None:
    node.search_window = SEARCH_WINDOW
    watch.at = clock.now() - timedelta(hours=24, minutes=2)

    page = page_of(enter(Role.FINANCE), never_found(node, watch))

    assert "it is not sent again" in page
    assert offered(page) == ["query-provider", "propose-paid", "propose-not-paid"]


def given_back(node: SteeredRail, watch: Watch) -> int:
    disbursement_id = ordered(at=watch())
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    node.finds.append(Reversed("reversal-1", msat(NET_MSAT), watch()))
    watch.advance(15)
    run(watch)
    return disbursement_id


def differs(node: SteeredRail, watch: Watch) -> int:
    disbursement_id = ordered(at=watch())
    Disbursement.objects.filter(pk=disbursement_id).update(approved_digest="0" * 64)
    run(watch)
    return disbursement_id


@pytest.mark.parametrize(
    ("prepare", "sentence", "step"),
    [
        (
            differs,
            "What would be paid is not what was approved. Nothing was sent.",
            "cancel it, and have the right payment approved",
        ),
        (
            given_back,
            "The provider had paid it and gave the money back before the payment was booked.",
            "Find out why the provider gave the money back.",
        ),
    ],
)
def test_review_without_an_open_attempt_says_what_may_be_done(
    node: SteeredRail,
    watch: Watch,
    enter: Enter,
    *,
    prepare: Callable[[SteeredRail, Watch], int],
    sentence: str,
    step: str,
) -> None:
    page = page_of(enter(Role.FINANCE), prepare(node, watch))

    assert sentence in page
    assert step in page
