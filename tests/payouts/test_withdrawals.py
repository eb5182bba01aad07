"""Withdrawal links: the platform opens one, a wallet redeems it, and a task requests the payout.

Ten members give 10,000 sats each: a pot of 100,000; without discounts the fee is 1 %, so the link is for 99,000.
"""

from datetime import timedelta

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from payouts.errors import CycleNotReady, PayoutScheduledAlready, PayoutUnderWay
from payouts.models import Cycle
from payouts.services.cycles import set_destination
from payouts.services.payouts import schedule_payout
from payouts.services.withdrawals import open_withdrawal_link, take_withdrawals
from sunusav.core import clock
from sunusav.core.models import OutboxMessage
from sunusav.core.roles import Role
from sunusav.core.switches import pause_outgoing
from tests.factories.payouts import (
    ACTOR,
    NOW,
    make_cycle,
    make_group,
    make_payable_cycle,
    make_ready_cycle,
    process,
    verify,
)
from tests.factories.users import client_in
from tests.fakes.rail import ScriptedRail, invoice
from tests.payouts.unchanged import nothing_changes
from tests.support.opened import destination_of, value_of
from transfers.engine.runner import run_due
from transfers.errors import WithdrawalLinkOpen
from transfers.models import Disbursement, WithdrawalLink
from transfers.queries import newest_withdrawal
from transfers.services.withdrawals import redeem_withdrawal
from transfers.types import WithdrawalFacts

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def opened(cycle: Cycle) -> str:
    return open_withdrawal_link(cycle_id=cycle.pk, actor=ACTOR, now=NOW).secret


def redeemed(cycle: Cycle, name: str = "awa", sats: int = 99_000) -> None:
    given = invoice(name, sats)
    redeem_withdrawal(secret=opened(cycle), kind=given.kind, value=given.value, now=NOW)


def link_of(cycle: Cycle) -> WithdrawalFacts:
    return newest_withdrawal(f"cycle:{cycle.pk}")


# taking


def test_redeemed_link_is_paid_once_to_its_redeemer(node: ScriptedRail) -> None:
    cycle = make_ready_cycle()
    redeemed(cycle)

    assert take_withdrawals(now=NOW) == 1
    assert take_withdrawals(now=NOW + MINUTE) == 0
    run_due(slots=1, clock=lambda: NOW)

    assert list(node.paid.values()) == [99_000_000]
    payout = Disbursement.objects.get()
    assert (payout.state, payout.net_msat, payout.fee_msat) == ("completed", 99_000_000, 1_000_000)
    assert (link_of(cycle).state, link_of(cycle).disbursement_id) == ("taken", payout.pk)
    cycle.refresh_from_db()
    assert destination_of(cycle) == invoice("awa", 99_000)


def test_redeemed_link_replaces_an_earlier_destination(node: ScriptedRail) -> None:
    cycle = make_payable_cycle()
    redeemed(cycle, "claimed")
    take_withdrawals(now=NOW)
    cycle.refresh_from_db()
    assert destination_of(cycle) == invoice("claimed", 99_000)


def test_take_withdrawals_of_one_cycle_leaves_the_others() -> None:
    first, second = make_ready_cycle(), make_ready_cycle()
    redeemed(first, "one")
    redeemed(second, "two")

    assert take_withdrawals(now=NOW, cycle_id=second.pk) == 1

    assert (link_of(first).state, link_of(second).state) == ("redeemed", "taken")


def test_take_while_outgoing_is_paused_waits_and_records_why() -> None:
    cycle = make_ready_cycle()
    redeemed(cycle)
    pause_outgoing(actor=ACTOR, reason="looking", now=NOW)

    with nothing_changes():
        assert take_withdrawals(now=NOW) == 0
    assert (link_of(cycle).state, link_of(cycle).failure.code) == ("redeemed", "outgoing-paused")
    cycle.refresh_from_db()
    assert cycle.destinations == ()

    from sunusav.core.models import Switch

    Switch.objects.update(is_open=True)
    assert take_withdrawals(now=NOW) == 0, "it was deferred for a minute"
    assert take_withdrawals(now=NOW + MINUTE) == 1
    assert (link_of(cycle).state, link_of(cycle).failure.code) == ("taken", "")


def test_take_after_the_net_has_changed_is_refused_for_good_and_announced(settings: Settings) -> None:
    """The group was verified meanwhile and pays 0.5 %: the net is 99,500, the invoice 99,000."""
    settings.PLATFORM_WEBHOOK_URL = "https://platform.example"
    group = make_group()
    cycle = make_ready_cycle(group)
    redeemed(cycle)
    verify(group)
    before = Cycle.objects.values().get(pk=cycle.pk)

    assert take_withdrawals(now=NOW) == 0

    link = link_of(cycle)
    assert (link.state, link.failure.code) == ("refused", "invoice-amount-differs")
    assert link.failure.facts == {"expected_msat": 99_500_000, "invoice_msat": 99_000_000}
    assert Cycle.objects.values().get(pk=cycle.pk) == before
    assert not Disbursement.objects.exists()
    assert OutboxMessage.objects.get(topic="withdrawal.refused").payload["failure_code"] == link.failure.code
    assert take_withdrawals(now=NOW + MINUTE) == 0
    redeemed(cycle, "again", 99_500)
    assert take_withdrawals(now=NOW) == 1


def test_take_after_another_payout_was_requested_leaves_that_payout() -> None:
    """Between the redemption and the task the cycle was paid to another destination."""
    cycle = make_ready_cycle()
    redeemed(cycle)
    set_destination(cycle_id=cycle.pk, destination=invoice("other", 99_000), actor=ACTOR, now=NOW)
    payout_id = process(cycle)

    assert take_withdrawals(now=NOW) == 0

    assert (link_of(cycle).state, link_of(cycle).failure.code) == ("refused", "payout-under-way")
    assert (
        value_of(Disbursement.objects.get(pk=payout_id).destinations.get()) == invoice("other", 99_000).value
    )


def test_take_closes_expired_links() -> None:
    cycle = make_ready_cycle()
    opened(cycle)
    assert take_withdrawals(now=NOW + timedelta(hours=24)) == 0
    assert link_of(cycle).state == "expired"


# opening


def test_open_before_the_cycle_is_ready_is_refused() -> None:
    cycle = make_cycle(make_group(members=2))
    with nothing_changes(), pytest.raises(CycleNotReady):
        opened(cycle)


def test_open_while_a_payout_is_under_way_or_scheduled_is_refused() -> None:
    under_way, scheduled = make_payable_cycle(), make_payable_cycle()
    process(under_way)
    schedule_payout(cycle_id=scheduled.pk, scheduled_at=NOW + MINUTE, actor=ACTOR, now=NOW)
    with nothing_changes(), pytest.raises(PayoutUnderWay):
        opened(under_way)
    with nothing_changes(), pytest.raises(PayoutScheduledAlready):
        opened(scheduled)


def test_open_twice_is_refused() -> None:
    cycle = make_ready_cycle()
    opened(cycle)
    with nothing_changes(), pytest.raises(WithdrawalLinkOpen):
        opened(cycle)
    assert WithdrawalLink.objects.count() == 1


# the API


@pytest.fixture
def platform() -> APIClient:
    return client_in(Role.PLATFORM)


def _address(cycle: Cycle) -> str:
    return f"/monetization/cycles/{cycle.pk}/withdrawal-link"


def test_platform_opens_reads_and_revokes_a_link(platform: APIClient, settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "https://money.example.org"
    cycle = make_ready_cycle()

    answer = platform.post(_address(cycle))

    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {"cycle_id", "lnurl", "url", "amount_sats", "expires_at", "qr_svg"}
    assert (body["cycle_id"], body["amount_sats"]) == (cycle.pk, 99_000)
    assert body["lnurl"].startswith("LNURL1")
    assert body["url"].startswith("lnurlw://money.example.org/lnurl/withdraw/")
    assert body["qr_svg"].startswith("<svg ")
    stands = platform.get(_address(cycle)).json()
    assert stands == {
        "cycle_id": cycle.pk, "status": "open", "amount_sats": 99_000, "opened_at": stands["opened_at"],
        "expires_at": body["expires_at"], "redeemed_at": None, "payout_id": None, "error_code": None,
        "error_message": None,
    }  # fmt: skip

    again = platform.post(_address(cycle), {})
    assert (again.status_code, again.json()["code"]) == (409, "withdrawal-link-open")
    assert platform.delete(_address(cycle)).json()["status"] == "revoked"
    gone = platform.delete(_address(cycle))
    assert (gone.status_code, gone.json()["code"], gone.json()["link_state"]) == (
        409, "withdrawal-link-closed", "revoked",
    )  # fmt: skip
    assert platform.post(_address(cycle), {}).status_code == 201


def test_same_idempotency_key_gives_the_same_link(platform: APIClient) -> None:
    cycle = make_ready_cycle()
    first, second = (platform.post(_address(cycle), {}, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert first.content == second.content
    assert WithdrawalLink.objects.count() == 1


@pytest.mark.parametrize("method", ["get", "delete"])
def test_link_that_was_never_opened_is_missing(platform: APIClient, method: str) -> None:
    cycle = make_ready_cycle()
    answer = getattr(platform, method)(_address(cycle))
    assert (answer.status_code, answer.json()["code"]) == (404, "withdrawal-link-missing")
    nowhere = getattr(platform, method)("/monetization/cycles/nowhere/withdrawal-link")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "cycle-missing")


def test_open_takes_no_fields(platform: APIClient) -> None:
    cycle = make_ready_cycle()
    answer = platform.post(_address(cycle), {"amount_sats": 1})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-request")


def test_link_past_its_expiry_is_read_as_expired(platform: APIClient) -> None:
    cycle = make_ready_cycle()
    WithdrawalLink.objects.create(
        subject=f"cycle:{cycle.pk}", rail="lightning", amount_msat=1_000, secret_sha256="00", opened_by="x",
        opened_at=NOW, expires_at=clock.now(),
    )  # fmt: skip
    assert platform.get(_address(cycle)).json()["status"] == "expired"
