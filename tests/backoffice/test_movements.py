"""Movements of the treasury in the back office: finance proposes on a page, an approver decides from the inbox."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from ledger.queries import balance
from sunusav.backoffice.inbox import ALARM, Notice, notices_for
from sunusav.core import clock
from sunusav.core.models import Proposal
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.conftest import Enter
from tests.backoffice.world import person
from tests.factories.treasury import NODE, ONCHAIN, book, opening, propose
from tests.fakes.rail import ScriptedRail
from transfers.admin.movements import MovementForm
from transfers.engine.liquidity import look_at_rails
from transfers.enums import TreasuryKind
from transfers.models import BookedMovement, RailLiquidity, TreasuryMovement
from transfers.rails import rail
from transfers.types import Movement

pytestmark = pytest.mark.django_db

MOVEMENTS = "/admin/transfers/treasurymovement/"
PROPOSE = f"{MOVEMENTS}actions/propose/"
TREASURY = "/admin/transfers/railliquidity/"
FUNDING = {
    "kind": "channel_funding", "account": "node:msat", "amount": "2000000.5", "cost": "1530",
    "happened_on": "2026-03-04", "reference": "ab12:0", "reason": "more to pay out",
}  # fmt: skip
DIFFERS = "Providers hold another amount than the books"


@pytest.fixture(autouse=True)
def roles(db: None) -> None:
    sync_roles()


def page(client: Client, url: str) -> str:
    answer = client.get(url, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def approve(client: Client, proposal: Proposal) -> Any:
    sent = {"pk": proposal.pk, f"seen-{proposal.pk}": proposal.digest}
    return client.post("/admin/core/proposal/actions/approve/", sent)


def look(*, balance_msat: int, ago: timedelta = timedelta()) -> None:
    node = rail("lightning")
    assert isinstance(node, ScriptedRail)
    node.balance_msat = balance_msat
    at = clock.now() - ago
    look_at_rails(["lightning"], clock=lambda: at)


def notice(title: str) -> Notice | None:
    user = person("o", Role.OPERATOR)
    return next((one for one in notices_for(user, now=clock.now()) if str(one.title) == title), None)


def test_finance_proposes_a_movement_and_an_approver_has_it_booked(enter: Enter) -> None:
    book(opening(ONCHAIN, 5_000_000_000), now=clock.now())
    look(balance_msat=2_000_000_500)
    finance, approver = enter(Role.FINANCE), enter(Role.APPROVER)
    assert "Movements of the treasury" in page(finance, "/admin/")
    assert PROPOSE in page(finance, MOVEMENTS)
    assert PROPOSE not in page(approver, MOVEMENTS)
    asked = page(finance, PROPOSE)
    assert "0\u00a0sats in the books, 2\u202f000\u202f000.500\u00a0sats at the provider on" in asked
    assert "5\u202f000\u202f000\u00a0sats" in asked

    assert finance.post(PROPOSE, FUNDING).status_code == 302

    row = TreasuryMovement.objects.latest("pk")
    assert (row.kind, row.account, row.amount, row.cost) == (
        "channel_funding", NODE, 2_000_000_500, 1_530_000,
    )  # fmt: skip
    proposal = Proposal.objects.get(subject_id=str(row.pk))
    assert "This movement is not booked" in page(finance, f"{MOVEMENTS}{row.pk}/change/")
    inbox = page(approver, "/admin/core/proposal/?waits=me")
    assert "Book a movement of the treasury" in inbox
    assert f"{MOVEMENTS}{row.pk}/change/" in inbox
    shown = page(approver, f"/admin/core/proposal/{proposal.pk}/change/")
    assert "If you approve" in shown
    assert "04/03/2026" in shown
    changes = (
        "node +2\u202f000\u202f000.500\u00a0sats",
        "on-chain wallet \u22122\u202f001\u202f530.500\u00a0sats",
    )
    assert f"In the books: {', '.join(changes)}. Nothing is sent." in shown
    assert "2\u202f998\u202f469.500\u00a0sats" in shown  # the on-chain wallet afterwards
    assert "Afterwards the books differ more" not in shown
    assert balance(NODE) == 0
    assert approve(approver, proposal).status_code == 302

    assert (balance(NODE), balance(ONCHAIN)) == (2_000_000_500, 2_998_469_500)
    booked = page(enter(Role.AUDITOR), f"{MOVEMENTS}{row.pk}/change/")
    assert "This movement is not booked" not in booked
    assert "channel opened" in booked
    assert "Movement booked: channel opened" in booked  # the timeline
    assert "a-approver" in booked
    assert "booked" in page(enter(Role.OPERATOR), MOVEMENTS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"account": "bank:XOF", "amount": "5"}, "does not change the balance of bank"),
        ({"amount": "0"}, "The amount must be above zero"),
        ({"kind": "surplus"}, "This cost does not fit the movement"),
        ({"kind": "surplus", "cost": "", "exchanged_xof": "5"}, "Francs belong to a purchase or sale"),
        ({"kind": "opening_balance", "account": "bank:XOF", "cost": ""}, "Francs have no decimals."),
        ({"happened_on": "2999-01-01"}, "The movement has not happened yet: in Dakar it is "),
        ({"amount": "1.2345"}, "3 decimal places"),
        ({"reference": " "}, "This field is required."),
        ({"reason": ""}, "This field is required."),
        ({"account": "node:XOF"}, "Select a valid choice"),
    ],
)
def test_form_keeps_what_was_typed_and_says_what_does_not_fit(
    enter: Enter, changes: dict[str, str], message: str
) -> None:
    answer = enter(Role.FINANCE).post(PROPOSE, {**FUNDING, **changes})

    assert answer.status_code == 200
    shown = answer.content.decode()
    assert message in shown
    assert 'value="2026-03-04"' in shown or "happened_on" in changes
    assert not TreasuryMovement.objects.exists()


def test_form_asks_for_a_code_and_checks_it_last() -> None:
    """A code is accepted only once, so a form that is refused for another reason must leave it unused."""
    user = person("awa", Role.FINANCE)
    TOTPDevice.objects.create(user=user, name="authenticator")

    def refused(**changes: str) -> set[str]:
        return set(MovementForm({**FUNDING, "code": "000000", **changes}, user=user).errors)

    assert refused() == {"code"}
    assert refused(kind="surplus") == {"__all__"}
    assert refused(amount="") == {"amount"}


def test_account_that_is_short_is_named_after_the_form(enter: Enter) -> None:
    answer = enter(Role.FINANCE).post(PROPOSE, FUNDING, follow=True)

    assert "The books have less in on-chain wallet than would leave it." in answer.content.decode()
    assert not TreasuryMovement.objects.exists()


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
def test_only_finance_may_open_the_form(enter: Enter, role: Role) -> None:
    assert enter(role).get(PROPOSE).status_code == 403
    assert enter(role).post(PROPOSE, FUNDING).status_code == 403


def test_approver_is_warned_when_books_and_provider_would_differ_more(enter: Enter) -> None:
    look(balance_msat=0)
    proposal = propose(Movement(TreasuryKind.SURPLUS, NODE, 1_000), now=clock.now())

    shown = page(enter(Role.APPROVER), f"/admin/core/proposal/{proposal.pk}/change/")

    assert "Afterwards the books differ more from what the provider reported than they do now." in shown
    assert "\u22121\u00a0sats" in shown


def test_treasury_shows_a_difference_that_lasts_and_leads_to_the_form(enter: Enter) -> None:
    look(balance_msat=7_000, ago=timedelta(minutes=20))
    look(balance_msat=7_000)
    client = enter(Role.FINANCE)

    listed, shown = page(client, TREASURY), page(client, f"{TREASURY}lightning/change/")

    assert PROPOSE in listed
    assert "7\u00a0sats" in listed
    assert "when the books had 0\u00a0sats" in shown
    assert "the provider holds 7\u00a0sats more than the books have." in shown
    link = f"{PROPOSE}?account=node%3Amsat&amp;kind=surplus"
    assert link in shown
    assert PROPOSE not in page(enter(Role.AUDITOR), f"{TREASURY}lightning/change/")
    asked = page(client, link.replace("&amp;", "&") + "&reason=typed&amount=5")
    assert '<option value="surplus" selected>' in asked
    assert '<option value="node:msat" selected>' in asked
    assert "typed</textarea>" not in asked
    assert 'name="amount" value=' not in asked
    found = notice(DIFFERS)
    assert found is not None
    assert [(row.title, row.why) for row in found.rows] == [("lightning", "7\u00a0sats")]
    assert (found.url, found.tone) == (TREASURY, ALARM)

    book(Movement(TreasuryKind.SURPLUS, NODE, 7_000), now=clock.now())
    look(balance_msat=7_000)

    assert notice(DIFFERS) is None
    assert RailLiquidity.objects.get().difference_amount == 0


def test_shortfall_is_offered_where_the_provider_holds_less(enter: Enter) -> None:
    book(opening(NODE, 9_000), now=clock.now())
    look(balance_msat=7_000, ago=timedelta(minutes=20))
    look(balance_msat=7_000)

    shown = page(enter(Role.FINANCE), f"{TREASURY}lightning/change/")

    assert "the provider holds 2\u00a0sats less than the books have." in shown
    assert "kind=shortfall" in shown


def test_difference_of_a_moment_is_no_alarm(enter: Enter) -> None:
    look(balance_msat=7_000, ago=timedelta(minutes=5))
    look(balance_msat=7_000)

    assert "than the books have" not in page(enter(Role.FINANCE), f"{TREASURY}lightning/change/")
    assert notice(DIFFERS) is None


def test_proposer_is_offered_no_approval(enter: Enter) -> None:
    finance = enter(Role.FINANCE)
    finance.post(PROPOSE, {**FUNDING, "kind": "surplus", "cost": ""})
    proposal = Proposal.objects.get()

    approve(finance, proposal)

    assert BookedMovement.objects.count() == 0
    proposal.refresh_from_db()
    assert proposal.state == "open"
