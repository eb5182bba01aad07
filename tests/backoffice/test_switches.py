"""Switches of providers in the back office: anybody in charge switches one off, two people switch it on."""

from typing import Any

import pytest
from django.test import Client

from payouts.models import Cycle
from sunusav.backoffice.inbox import ALARM, Notice, notices_for
from sunusav.core import clock
from sunusav.core.models import Proposal
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.conftest import Enter
from tests.backoffice.world import person
from tests.factories.payouts import make_group, make_ready_cycle, process
from tests.fakes.rail import ScriptedRail, invoice
from transfers.engine.liquidity import look_at_rails
from transfers.engine.runner import run_due
from transfers.enums import FailureClass
from transfers.models import Disbursement, ProviderSwitch
from transfers.rails import rail
from transfers.types import Refused

pytestmark = pytest.mark.django_db

SWITCHES = "/admin/transfers/providerswitch/"
OFF, ON = f"{SWITCHES}actions/switch-off/", f"{SWITCHES}actions/propose-switch-on/"
PAGE = f"{SWITCHES}lightning/change/"
TREASURY = "/admin/transfers/railliquidity/"
RAIL = f"{TREASURY}lightning/change/"
AMOUNT = "99\u202f000\u00a0sats"
MAY_SWITCH_OFF = [Role.FINANCE, Role.APPROVER, Role.OPERATOR]


@pytest.fixture(autouse=True)
def roles(db: None) -> None:
    sync_roles()
    look_at_rails(["lightning"], clock=clock.now)


def page(client: Client, url: str) -> str:
    answer = client.get(url, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def sent(client: Client, url: str, **fields: Any) -> str:
    """Confirm an action about the rail; return the page that follows."""
    answer = client.post(url, {"pk": "lightning", **fields}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def ready() -> Cycle:
    """Return a cycle whose payout is 99,000 sats net."""
    return make_ready_cycle(make_group(members=10), destination=invoice("awa", 99_000))


def payout_of(cycle: Cycle) -> Disbursement:
    """Order the payout of a cycle, and let a worker run."""
    payout_id = process(cycle)
    run_due(slots=1)
    return Disbursement.objects.get(pk=payout_id)


def notice(role: Role) -> Notice | None:
    found = notices_for(person(f"n-{role.value}", role), now=clock.now())
    return next((one for one in found if str(one.title) == "Providers switched off"), None)


@pytest.mark.parametrize("role", MAY_SWITCH_OFF)
def test_one_person_switches_a_rail_off_from_its_page(enter: Enter, role: Role) -> None:
    client = enter(role)
    assert f"{OFF}?pk=lightning" in page(client, RAIL)
    assert f"{OFF}?pk=lightning" in page(client, SWITCHES)
    assert "Two people switch it on again." in page(client, f"{OFF}?pk=lightning")
    assert not ProviderSwitch.objects.exists()

    shown = sent(client, OFF, reason="odd answers")

    assert "lightning: switched off" in shown
    assert "odd answers" in shown
    assert not ProviderSwitch.objects.get().is_on
    assert f"{OFF}?pk=lightning" not in page(client, RAIL)


def test_switch_off_needs_a_reason(enter: Enter) -> None:
    assert "This field is required." in sent(enter(Role.FINANCE), OFF, reason=" ")
    assert not ProviderSwitch.objects.exists()


def test_auditor_sees_the_switch_and_has_no_button(enter: Enter) -> None:
    auditor = enter(Role.AUDITOR)
    assert OFF not in page(auditor, RAIL)
    assert auditor.post(OFF, {"pk": "lightning", "reason": "odd"}).status_code == 403
    sent(enter(Role.FINANCE), OFF, reason="odd answers")
    assert "odd answers" in page(auditor, PAGE)
    assert ON not in page(auditor, RAIL)
    assert auditor.post(ON, {"pk": "lightning", "reason": "odd"}).status_code == 403
    assert not Proposal.objects.exists()


def test_rail_that_is_off_is_shown_with_why_what_waits_and_its_trail(enter: Enter) -> None:
    client = enter(Role.FINANCE)
    cycle = ready()
    sent(client, OFF, reason="odd answers")
    payout = payout_of(cycle)

    listed, shown, own = page(client, TREASURY), page(client, RAIL), page(client, PAGE)

    for text in (listed, shown, own):
        assert "switched off" in text
    for text in (listed, own):
        assert f"1 payment, {AMOUNT}" in text
    for text in (shown, own):
        assert "Nothing new is sent or requested by lightning." in text
        assert "odd answers" in text
        assert "Switched off: nothing is sent or requested" in text
    waits = page(client, f"/admin/transfers/disbursement/{payout.pk}/change/")
    assert "Lightning is switched off; it goes on by itself once two people have switched it on." in waits


def test_finance_proposes_to_switch_on_and_an_approver_sees_what_goes(enter: Enter) -> None:
    finance, approver = enter(Role.FINANCE), enter(Role.APPROVER)
    cycle = ready()
    sent(finance, OFF, reason="odd answers")
    payout = payout_of(cycle)
    assert f"{ON}?pk=lightning" in page(finance, RAIL)
    assert f"{ON}?pk=lightning" not in page(approver, RAIL)
    assert f"1 payment, {AMOUNT}" in page(finance, f"{ON}?pk=lightning")

    assert "proposed; another person has to approve" in sent(finance, ON, reason="the node is well")

    assert f"{ON}?pk=lightning" not in page(finance, RAIL)
    proposal = Proposal.objects.get()
    asked = page(approver, f"/admin/core/proposal/{proposal.pk}/change/")
    for text in ("Switch a provider on", "If you approve", f"1 payment, {AMOUNT}", "odd answers", PAGE):
        assert text in asked
    fields = {"pk": proposal.pk, f"seen-{proposal.pk}": proposal.digest}
    approver.post("/admin/core/proposal/actions/approve/", fields)
    assert ProviderSwitch.objects.get().is_on
    run_due(slots=1)
    payout.refresh_from_db()
    assert payout.state == "completed"
    assert "Switched on again" in page(finance, PAGE)


@pytest.mark.parametrize("role", [Role.FINANCE, Role.OPERATOR])
def test_refused_credentials_are_in_the_inbox_and_on_the_pages(enter: Enter, role: Role) -> None:
    found = rail("lightning")
    assert isinstance(found, ScriptedRail)
    found.script.append(Refused("wrong-pin", FailureClass.STOP))
    assert notice(role) is None
    payout_of(ready())

    shown_now = notice(role)

    assert shown_now is not None
    assert [(row.title, row.why) for row in shown_now.rows] == [("lightning", "refuses our credentials")]
    assert (shown_now.tone, shown_now.url) == (ALARM, SWITCHES)
    client = enter(role)
    for url in (PAGE, RAIL):
        shown = page(client, url)
        assert "lightning refuses our credentials: wrong-pin." in shown
        assert "a wrong PIN can block the wallet for good" in shown
        assert "the system" in shown


def test_page_of_an_unknown_provider_offers_nothing(enter: Enter) -> None:
    client = enter(Role.FINANCE)
    assert "Nothing was chosen." in page(client, f"{OFF}?pk=wafe")
    client.post(OFF, {"pk": "wafe", "reason": "odd"})
    assert not ProviderSwitch.objects.exists()
