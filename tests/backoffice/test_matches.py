"""Matches with providers, payments that broke their worker, and sends that a pause came too late for."""

from datetime import datetime

import pytest
from django.test import Client

from sunusav.backoffice.inbox import ALARM, ATTENTION, Notice, Waiting, notices_for
from sunusav.core import clock
from sunusav.core.roles import Role, sync_roles
from sunusav.core.switches import pause_outgoing
from tests.backoffice.conftest import Enter
from tests.backoffice.world import person
from tests.factories.payouts import ACTOR, NOW, make_group, make_ready_cycle, process
from tests.fakes.rail import ScriptedRail, invoice
from transfers.engine.claims import claim_due, record_broken
from transfers.engine.runner import run_due
from transfers.models import Disbursement, RailMatch, RailMismatch
from transfers.rails import rail
from transfers.services.matching import match_rails
from transfers.types import Unknown

pytestmark = pytest.mark.django_db

SWITCH = "/admin/core/switch/"


@pytest.fixture(autouse=True)
def roles(db: None) -> None:
    sync_roles()


def page(client: Client, url: str) -> str:
    answer = client.get(url, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def notice(title: str, *, now: datetime = NOW) -> Notice | None:
    user = person("o", Role.OPERATOR)
    found = [one for one in notices_for(user, now=now) if str(one.title) == title]
    return found[0] if found else None


def payout(name: str = "awa") -> int:
    """Order a payout of 99,000 sats net."""
    return process(make_ready_cycle(make_group(members=10), destination=invoice(name, 99_000)))


def fake() -> ScriptedRail:
    found = rail("lightning")
    assert isinstance(found, ScriptedRail)
    return found


def test_mismatches_are_an_alarm_in_the_inbox_that_leads_to_them(enter: Enter) -> None:
    disbursement_id = payout()
    fake().paid = {"ab" * 32: 5_000, "cd" * 32: 7_000}
    match_rails(["lightning"], clock=lambda: NOW)

    shown = notice("Lines that providers and books do not agree on")

    assert shown is not None
    assert (shown.waiting, shown.tone) == (Waiting(2), ALARM)
    assert [row.why for row in shown.rows] == ["paid, not booked", "paid, not booked"]
    listed = page(enter(Role.OPERATOR), shown.url)
    assert "ab" * 32 in listed
    assert "7\u00a0sats were paid at the provider and are not in the books." in listed
    assert Disbursement.objects.get().pk == disbursement_id


def test_a_match_without_mismatches_is_no_notice_and_one_that_is_missing_is(enter: Enter) -> None:
    payout()
    run_due(slots=1, clock=lambda: NOW)
    assert notice("Not matched with the provider for a day") is None
    shown = notice("Not matched with the provider for a day", now=NOW.replace(day=NOW.day + 2))
    assert shown is not None
    assert ([row.title for row in shown.rows], shown.tone) == (["lightning"], ATTENTION)

    match_rails(["lightning"], clock=lambda: NOW.replace(day=NOW.day + 2))

    assert notice("Not matched with the provider for a day", now=NOW.replace(day=NOW.day + 2)) is None
    assert "Provider and books agree." in page(
        enter(Role.AUDITOR), f"/admin/transfers/railmatch/{RailMatch.objects.get().pk}/change/"
    )


def test_page_of_a_match_says_what_differs_and_what_to_do(enter: Enter) -> None:
    disbursement_id = payout()
    run_due(slots=1, clock=lambda: NOW)
    fake().paid.clear()
    fake().paid["ab" * 32] = 5_000
    match_rails(["lightning"], clock=lambda: NOW.replace(hour=NOW.hour + 1))
    client = enter(Role.FINANCE)

    shown = page(client, f"/admin/transfers/railmatch/{RailMatch.objects.get().pk}/change/")

    assert "lightning and the books differ about 2 payments." in shown
    assert "pause outgoing money until it is clear why" in shown
    assert "99\u202f000\u00a0sats are paid in the books, and not at the provider." in shown
    assert f"/admin/transfers/disbursement/{disbursement_id}/change/" in shown
    assert "Provider and books differ: 2 payments" in shown  # the timeline
    mismatch = RailMismatch.objects.get(code="booked-not-paid")
    assert "booked, not paid" in page(client, f"/admin/transfers/railmismatch/{mismatch.pk}/change/")
    assert "ab" * 32 in page(client, f"/admin/transfers/railmismatch/?q={'ab' * 32}")


def test_payments_that_broke_their_worker_are_in_the_inbox_and_in_a_filter(enter: Enter) -> None:
    broken, other = payout(), payout("binta")
    claims = {claim.disbursement_id: claim for claim in claim_due(worker="w", now=NOW, limit=2)}
    assert notice("Payments that broke their worker") is None

    record_broken(claims[broken], ZeroDivisionError())

    shown = notice("Payments that broke their worker")
    assert shown is not None
    assert shown.waiting is not None
    assert (shown.waiting.count, shown.tone) == (1, ATTENTION)
    listed = page(enter(Role.OPERATOR), shown.url)
    assert f"/admin/transfers/disbursement/{broken}/change/" in listed
    assert f"/admin/transfers/disbursement/{other}/change/" not in listed
    assert "(ZeroDivisionError)" in page(
        enter(Role.OPERATOR), f"/admin/transfers/disbursement/{broken}/change/"
    )


@pytest.fixture
def leaving() -> None:
    """Leave one send without an answer."""
    now = clock.now()
    payout()
    fake().script.append(Unknown(seen=False, reason="connection-lost"))
    run_due(slots=1, clock=lambda: now)


def test_pausing_says_how_many_sends_may_still_leave(leaving: None, enter: Enter) -> None:
    client = enter(Role.OPERATOR)

    answer = client.post(f"{SWITCH}actions/pause/", {"pk": "outgoing", "reason": "odd"}, follow=True)

    may_leave = "Sends that had passed their last check before, and may still leave: 1."
    shown = answer.content.decode()
    assert f"outgoing money is paused. {may_leave}" in shown
    assert "Outgoing money is paused." in shown
    assert shown.count(may_leave) == 2  # in the message and in the banner
    assert may_leave in page(client, f"{SWITCH}outgoing/change/")


def test_pausing_while_nothing_leaves_says_no_more(enter: Enter) -> None:
    pause_outgoing(actor=ACTOR, reason="odd", now=NOW)
    client = enter(Role.OPERATOR)

    assert "may still leave" not in page(client, "/admin/")
    assert "may still leave" not in page(client, f"{SWITCH}outgoing/change/")
