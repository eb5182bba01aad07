"""The treasury: what each rail can send, what it cannot, and what waits for it."""

from datetime import timedelta

import pytest
from django.test import Client

from ledger.types import msat
from sunusav.backoffice.inbox import ATTENTION, Amount, Notice, notices_for
from sunusav.core import clock
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.conftest import Enter
from tests.backoffice.world import person
from tests.factories.payouts import make_group, make_ready_cycle, process
from tests.fakes.rail import ScriptedRail, invoice
from tests.support.health import read_health
from transfers.engine.liquidity import look_at_rails
from transfers.engine.runner import run_due
from transfers.models import RailBreaker, RailLiquidity
from transfers.rails import rail
from transfers.types import Sendable, Unusable

pytestmark = pytest.mark.django_db

TREASURY = "/admin/transfers/railliquidity/"
PAGE = f"{TREASURY}lightning/change/"
UNUSABLE = "Money that cannot be sent now"
EXCEEDS = "Payments that wait exceed what can be sent"


@pytest.fixture(autouse=True)
def roles(db: None) -> None:
    sync_roles()


def page(client: Client, url: str) -> str:
    answer = client.get(url, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def fake() -> ScriptedRail:
    found = rail("lightning")
    assert isinstance(found, ScriptedRail)
    return found


def look(*, ago: timedelta = timedelta()) -> None:
    at = clock.now() - ago
    look_at_rails(["lightning"], clock=lambda: at)


def waiting_payout() -> None:
    """Order a payout of 99,000 sats net that the rail is short of."""
    fake().balance_msat = 40_000_000
    process(make_ready_cycle(make_group(members=10), destination=invoice("awa", 99_000)))
    run_due(slots=1)


def notice(title: str) -> Notice | None:
    user = person("o", Role.OPERATOR)
    return next((one for one in notices_for(user, now=clock.now()) if str(one.title) == title), None)


@pytest.mark.parametrize("role", [Role.FINANCE, Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
def test_treasury_shows_books_amounts_and_what_waits(enter: Enter, role: Role) -> None:
    waiting_payout()
    look()
    client = enter(role)

    assert "Treasury" in page(client, "/admin/")
    listed, shown = page(client, TREASURY), page(client, PAGE)

    for text in (listed, shown):
        assert "100\u202f000\u00a0sats" in text  # the books: what ten members paid
        assert "40\u202f000\u00a0sats" in text
        assert "in service" in text
    assert "1 payment, 99\u202f000\u00a0sats" in listed
    assert "The payments that wait exceed what can be sent." in shown
    assert "Everything can be used." in shown


def test_treasury_lists_each_amount_that_cannot_be_used(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    unusable = (Unusable("ab12:0", msat(7_000_000)), Unusable("ab12:1", msat(500_500)))
    monkeypatch.setattr(fake(), "sendable", lambda: Sendable(msat(1_000), msat(1_000), unusable))
    look()

    shown = page(enter(Role.FINANCE), PAGE)

    assert "7\u202f500.500\u00a0sats of what the provider holds cannot be sent now." in shown
    assert "ab12:0" in shown
    assert "ab12:1" in shown
    assert "500.500\u00a0sats" in shown
    found = notice(UNUSABLE)
    assert found is not None
    assert ([row.amount for row in found.rows], found.url, found.tone) == (
        [Amount(7_500_500)],
        TREASURY,
        ATTENTION,
    )


def test_treasury_says_that_an_old_look_is_out_of_date(enter: Enter) -> None:
    look(ago=timedelta(seconds=119))
    assert "out of date" not in page(enter(Role.FINANCE), PAGE)
    RailLiquidity.objects.all().delete()
    look(ago=timedelta(seconds=121))

    shown = page(enter(Role.FINANCE), PAGE)

    assert "the amounts may be out of date." in shown
    assert "(out of date)" in page(enter(Role.FINANCE), TREASURY)


def test_treasury_says_why_a_rail_is_unavailable_and_of_when_the_amounts_are(enter: Enter) -> None:
    look()
    fake().is_unavailable = True
    look()
    assert "lightning is unavailable: the fake is unavailable." in page(enter(Role.FINANCE), PAGE)
    assert "The amounts are those of" in page(enter(Role.FINANCE), PAGE)

    RailLiquidity.objects.all().delete()
    look()

    assert "No amounts are known yet." in page(enter(Role.FINANCE), PAGE)


def test_treasury_shows_that_a_rail_is_stopped(enter: Enter) -> None:
    look()
    now = clock.now()
    RailBreaker.objects.create(rail="lightning", state="open", retry_at=now, changed_at=now)

    assert "stopped" in page(enter(Role.FINANCE), TREASURY)


def test_treasury_leaves_out_a_rail_that_is_no_longer_in_the_settings(enter: Enter) -> None:
    RailLiquidity.objects.create(rail="gone")

    assert "gone" not in page(enter(Role.FINANCE), TREASURY)


def test_inbox_reports_payments_that_exceed_what_can_be_sent_until_they_do_not() -> None:
    assert notice(EXCEEDS) is None
    waiting_payout()
    look()
    read_health("liquidity", now=clock.now())
    found = notice(EXCEEDS)
    assert found is not None
    assert ([row.title for row in found.rows], found.url, found.tone) == (["lightning"], TREASURY, ATTENTION)

    fake().balance_msat = 100_000_000
    look()
    read_health("liquidity", now=clock.now())

    assert notice(EXCEEDS) is None
    assert notice(UNUSABLE) is None
