"""Credit by age, refunds by state, and what the inbox says of both; amounts worked by hand."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from ledger.enums import AccountRole, Currency
from ledger.services import post
from ledger.services.sealing import seal_books
from ledger.types import AccountRef, UnusedCredit, credit, debit
from payouts.backoffice import INBOX
from payouts.models import Refund
from payouts.services import credit_readings
from payouts.services.credit_readings import read_old_credit
from payouts.services.refunds import cancel_refund, request_refund
from sunusav.backoffice.inbox import ATTENTION, Amount, Notice, Waiting
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.conftest import Enter
from tests.backoffice.world import person
from tests.factories.payouts import ACTOR, NOW, make_group
from tests.fakes.rail import invoice
from transfers.credit_queries import credit_msat, credits_by_age
from transfers.enums import DisbursementState
from transfers.models import Disbursement
from transfers.types import credit_of

pytestmark = pytest.mark.django_db

NODE = AccountRef(AccountRole.NODE, Currency.MSAT)
PAGE, REFUNDS = "/admin/payouts/member/credit/", "/admin/payouts/refund/"
READERS = [Role.FINANCE, Role.APPROVER, Role.AUDITOR]
QUERIES_OF_PAGE = 8


@pytest.fixture(autouse=True)
def members() -> None:
    sync_roles()
    make_group(members=4)


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def credited(user_id: str, amount_msat: int, at: datetime, *, subject: str = "collection:7") -> int:
    lines = [debit(NODE, amount_msat), credit(credit_of(user_id), amount_msat)]
    return post(kind="receipt", reference=f"in:{user_id}:{at}", lines=lines, at=at, subject=subject)


def used(user_id: str, amount_msat: int, at: datetime) -> None:
    lines = [debit(credit_of(user_id), amount_msat), credit(NODE, amount_msat)]
    post(kind="credit_used", reference=f"out:{user_id}:{at}", lines=lines, at=at, subject="contribution:9")


def refunded(user_id: str, amount_sats: int, at: datetime, state: DisbursementState | None = None) -> int:
    """Request a refund; with a state, its disbursement is in it."""
    refund_id = request_refund(
        user_id=user_id, amount_sats=amount_sats, destination=invoice(f"{user_id}:{at}", amount_sats),
        reason="moved away", actor=ACTOR, now=at,
    )  # fmt: skip
    if state is not None:
        Disbursement.objects.filter(subject=f"refund:{refund_id}").update(state=state)
    return refund_id


def left() -> list[tuple[str, int, datetime]]:
    return [(one.owner, one.left, one.at) for one in credits_by_age()]


def notices(now: datetime = NOW) -> dict[str, Any]:
    reader = person("reader", Role.AUDITOR)
    read_old_credit(now=now)
    found = [notice for item in INBOX if isinstance(notice := item.read(reader, now), Notice)]
    assert all(notice.tone == ATTENTION for notice in found)
    return {str(notice.title): (notice.waiting, notice.url) for notice in found}


def html(client: Client, url: str, **query: Any) -> str:
    answer = client.get(url, query)
    assert answer.status_code == 200
    return answer.content.decode()


# Credit not used up


def test_credits_are_used_first_in_first_out() -> None:
    """Of 5,000 + 3,000 + 2,000 msat, 6,000 are used: the first is gone, and 2,000 of the second are left."""
    credited("user-0", 5_000, days_ago(50))
    second = credited("user-0", 3_000, days_ago(40), subject="collection:8")
    used("user-0", 6_000, days_ago(35))
    credited("user-0", 2_000, days_ago(10))

    assert credits_by_age()[0] == UnusedCredit(
        "member:user-0", 2_000, second, "receipt", "collection:8", days_ago(40)
    )
    assert left() == [("member:user-0", 2_000, days_ago(40)), ("member:user-0", 2_000, days_ago(10))]
    assert sum(one.left for one in credits_by_age()) == credit_msat("user-0")


def test_credit_used_to_the_last_msat_begins_anew() -> None:
    credited("user-0", 5_000, days_ago(50))
    used("user-0", 5_000, days_ago(49))
    assert left() == []

    credited("user-0", 1, days_ago(3))

    assert left() == [("member:user-0", 1, days_ago(3))]


def test_credits_of_all_members_are_listed_by_age_sealed_or_not() -> None:
    credited("user-1", 9_000, days_ago(20))
    credited("user-0", 4_000, days_ago(10))
    seal_books(now=NOW)
    credited("user-2", 7_000, days_ago(15))
    used("user-1", 1_000, days_ago(1))

    assert left() == [
        ("member:user-1", 8_000, days_ago(20)),
        ("member:user-2", 7_000, days_ago(15)),
        ("member:user-0", 4_000, days_ago(10)),
    ]


# The page


@pytest.mark.parametrize("role", READERS)
def test_page_names_who_how_much_since_when_and_what_for(enter: Enter, role: Role) -> None:
    booked = credited("user-0", 1_234_500, days_ago(40))
    read_old_credit(now=NOW)
    client = enter(role)

    page = html(client, PAGE)

    assert "user-0</a>" in page
    assert "1\u202f234.500\u00a0sats" in page
    assert f"/admin/ledger/journaltransaction/{booked}/change/" in page
    assert "/admin/transfers/collection/7/change/" in page
    assert f'href="{PAGE}"' in html(client, "/admin/")


def test_operators_neither_read_the_page_nor_see_it_in_the_menu(enter: Enter) -> None:
    client = enter(Role.OPERATOR)

    assert client.get(PAGE).status_code == 403
    assert PAGE not in html(client, "/admin/")


def test_page_without_credit_says_so(enter: Enter) -> None:
    client = enter(Role.FINANCE)
    assert "Not read yet: a task reads it every hour." in html(client, PAGE)

    read_old_credit(now=NOW)

    page = html(client, PAGE)
    assert "No member holds credit." in page
    assert "As read at 04/03/2026 10:00" in page


def test_pages_hold_fifty_credits_in_as_many_queries_as_one(
    enter: Enter, django_assert_num_queries: Any
) -> None:
    client = enter(Role.FINANCE)
    credited("user-0", 1_000, days_ago(100))
    read_old_credit(now=NOW)
    html(client, PAGE)
    with django_assert_num_queries(QUERIES_OF_PAGE):
        html(client, PAGE)
    for number in range(50):
        credited(f"user-{number % 4}", 1_000, days_ago(99 - number))
    read_old_credit(now=NOW)

    with django_assert_num_queries(QUERIES_OF_PAGE):
        first = client.get(PAGE)
    second = client.get(PAGE, {"page": "2"})

    assert [len(answer.context["sections"][0].rows) for answer in (first, second)] == [50, 1]
    assert "page 1 of 2" in first.content.decode()
    assert client.get(PAGE, {"page": "x"}).context["page"].number == 1


def test_page_reads_no_entry_of_the_books(enter: Enter, django_assert_num_queries: Any) -> None:
    """It shows what the task last read, however much was booked since."""
    client = enter(Role.FINANCE)
    credited("user-0", 1_000, days_ago(100))
    read_old_credit(now=NOW)
    html(client, PAGE)
    credited("user-1", 1_000, days_ago(101))

    with django_assert_num_queries(QUERIES_OF_PAGE) as queries:
        page = html(client, PAGE)

    assert "user-0</a>" in page
    assert "user-1" not in page
    assert not any("ledger_journalentry" in query["sql"] for query in queries)


def test_page_lists_the_oldest_and_says_how_many_there_are(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credit_readings, "CREDITS_KEPT", 2)
    for number in range(3):
        credited(f"user-{number}", 1_000, days_ago(99 - number))
    read_old_credit(now=NOW)

    page = html(enter(Role.FINANCE), PAGE)

    assert "Listed are the oldest 2 of 3" in page
    assert "user-1</a>" in page
    assert "user-2</a>" not in page


# Refunds by state


def test_refunds_are_filtered_by_state(enter: Enter) -> None:
    credited("user-0", 10_000_000, days_ago(9))
    waiting = refunded("user-0", 1_000, days_ago(3))
    failed = refunded("user-0", 2_000, days_ago(2), DisbursementState.FAILED)
    review = refunded("user-0", 3_000, days_ago(1), DisbursementState.NEEDS_REVIEW)
    cancelled = refunded("user-0", 500, days_ago(1))
    cancel_refund(user_id="user-0", refund_id=cancelled, reason="stays", actor=ACTOR, now=NOW)
    client = enter(Role.AUDITOR)

    def shown(**query: str) -> set[int]:
        return {row.pk for row in client.get(REFUNDS, query).context["cl"].result_list}

    assert shown(stage="waiting") == {waiting}
    assert shown(stage="failed") == {failed, review}
    assert shown() == set(Refund.objects.values_list("pk", flat=True))
    assert shown(stage="other") == shown()


def test_lists_by_state_take_as_many_queries_for_many_refunds(
    enter: Enter, django_assert_max_num_queries: Any
) -> None:
    credited("user-0", 10_000_000, days_ago(9))
    for day in range(1, 7):
        refunded("user-0", 1_000, days_ago(day), DisbursementState.FAILED)
    client = enter(Role.AUDITOR)

    html(client, REFUNDS, stage="failed")  # the first page of a session stores it

    # One of them reads the keys under which the destinations of all rows are encrypted.
    with django_assert_max_num_queries(16):
        html(client, REFUNDS, stage="failed")


# The inbox


def test_inbox_is_silent_without_old_credit_and_open_refunds() -> None:
    credited("user-0", 2_000_000, days_ago(30))
    refunded("user-0", 1_000, days_ago(1))

    assert notices() == {}


def test_inbox_counts_refunds_that_failed_and_those_that_wait() -> None:
    credited("user-0", 10_000_000, days_ago(9))
    refunded("user-0", 2_000, days_ago(3), DisbursementState.FAILED)
    refunded("user-0", 3_000, days_ago(2), DisbursementState.NEEDS_REVIEW)
    refunded("user-0", 1_000, days_ago(4))
    refunded("user-0", 400, days_ago(0.5))

    assert notices() == {
        "Refunds that failed or are under review": (
            Waiting(2, Amount(5_000_000), days_ago(3)), f"{REFUNDS}?stage=failed&o=1",
        ),
        "Refunds not paid for more than a day": (
            Waiting(1, Amount(1_000_000), days_ago(4)), f"{REFUNDS}?stage=waiting&o=1",
        ),
    }  # fmt: skip


def test_inbox_counts_members_with_old_credit_and_leaves_out_what_cannot_be_paid() -> None:
    """Old: 600 + 500 msat of user-0 and 2,500 of user-1; 999 msat of user-2 are less than a sat."""
    credited("user-2", 999, days_ago(90))
    credited("user-0", 600, days_ago(42))
    credited("user-0", 500, days_ago(41))
    credited("user-0", 9_000, days_ago(5))
    credited("user-1", 4_000, days_ago(36))
    used("user-1", 1_500, days_ago(1))

    assert notices() == {
        "Members with credit older than 30 days": (Waiting(2, Amount(3_600), days_ago(42)), PAGE)
    }
